// Give what the capture of these runs may have missed.
// Parameters: keys (list of integer)
// Columns: rows (one list of [run key, reason, subject])
UNWIND $keys AS key
MATCH (r:Vertex {_key: key})-[:HAS_GAP]->(g:Gap)
USING INDEX r:Vertex(_key)
RETURN collect([key, g.reason, g.subject]) AS rows
