// Give what is held of vertices, before more is put.
// Parameters: keys (list of integer)
// Columns: rows (one list of [key, id, known, is a run, properties])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})
USING INDEX v:Vertex(_key)
RETURN collect([v._key, v.id, v._known, v:Run, properties(v)]) AS rows
