// Give the ids of vertices.
// Parameters: keys (list of integer)
// Columns: rows (one list of [key, id])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})
USING INDEX v:Vertex(_key)
RETURN collect([key, v.id]) AS rows
