// Give what runs wrote.
// Parameters: keys (list of integer: runs)
// Columns: rows (one list of [run key, artefact key, role, evidence])
UNWIND $keys AS key
MATCH (r:Vertex {_key: key})-[p:PRODUCES]->(a:Vertex)
USING INDEX r:Vertex(_key)
RETURN collect([key, a._key, p.role, p.evidence]) AS rows
