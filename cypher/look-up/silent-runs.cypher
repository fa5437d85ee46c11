// Give the keys of runs that wrote nothing.
// Parameters: project (text, or null for all)
// Columns: keys (one list)
MATCH (r:Run)
WHERE r._known > 0 AND r._writes IS NULL AND ($project IS NULL OR r.project = $project)
RETURN collect(r._key) AS keys
