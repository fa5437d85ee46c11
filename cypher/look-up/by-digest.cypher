// Give the keys of the artefacts whose digest begins so.
// Parameters: starts (list of text), project (text, or null for all)
// Columns: keys (one list)
UNWIND $starts AS start
MATCH (a:Artefact)
WHERE a.digest STARTS WITH start AND ($project IS NULL OR a.project = $project)
WITH DISTINCT a
RETURN collect(a._key) AS keys
