// Give the names of those of these vertices that are artefacts.
// Parameters: keys (list of integer)
// Columns: rows (one list of [key, name])
UNWIND $keys AS key
MATCH (a:Vertex {_key: key})
USING INDEX a:Vertex(_key)
WHERE a:Artefact AND a.name IS NOT NULL
RETURN collect([key, a.name]) AS rows
