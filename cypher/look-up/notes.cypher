// Give what was said of a run or an artefact.
// Parameters: subjects (list of text), project (text, or null for all)
// Columns: at, text
MATCH (n:Note)
WHERE n._subject IN $subjects AND ($project IS NULL OR n.project = $project)
RETURN DISTINCT n.at AS at, n.text AS text ORDER BY at, text
