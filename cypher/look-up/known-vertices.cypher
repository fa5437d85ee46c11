// Say which of these vertices are there.
// Parameters: keys (list of integer)
// Columns: keys (one list)
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})
USING INDEX v:Vertex(_key)
RETURN collect(key) AS keys
