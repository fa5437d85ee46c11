// Give every name at which something was read or written.
// Parameters: project (text, or null for all)
// Columns: names (one list)
MATCH (a:Artefact)
WHERE a.name IS NOT NULL AND ($project IS NULL OR a.project = $project)
WITH DISTINCT a.name AS name
RETURN collect(name) AS names
