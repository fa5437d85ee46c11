// Give who read artefacts.
// Parameters: keys (list of integer: artefacts)
// Columns: rows (one list of [run key, artefact key, role, evidence, touched as JSON])
UNWIND $keys AS key
MATCH (a:Vertex {_key: key})<-[u:USES]-(r:Vertex)
USING INDEX a:Vertex(_key)
RETURN collect([r._key, key, u.role, u.evidence, u._touched]) AS rows
