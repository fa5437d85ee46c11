// Give the recorded DEPENDS_ON edges with an end among these.
// Parameters: keys (list of integer)
// Columns: rows (one list of [effect key, cause key, how, evidence])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})-[d:DEPENDS_ON]-(:Vertex)
USING INDEX v:Vertex(_key)
WHERE d._told
WITH DISTINCT d
RETURN collect([startNode(d)._key, endNode(d)._key, d.how, d.evidence]) AS rows
