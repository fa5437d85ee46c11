// Give what runs read.
// Parameters: keys (list of integer: runs)
// Columns: rows (one list of [run key, artefact key, role, evidence, touched as JSON])
UNWIND $keys AS key
MATCH (r:Vertex {_key: key})-[u:USES]->(a:Vertex)
USING INDEX r:Vertex(_key)
RETURN collect([key, a._key, u.role, u.evidence, u._touched]) AS rows
