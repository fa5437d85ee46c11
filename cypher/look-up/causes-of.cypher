// Give every recorded edge whose effect is among these; mirrors and inferred edges are left out.
// Parameters: keys (list of integer)
// Columns: rows (one list of [cause key, effect key, type])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})
USING INDEX v:Vertex(_key)
CALL (v) {
  MATCH (v)-[:USES]->(cause:Vertex) RETURN cause, 'USES' AS type
  UNION
  MATCH (v)<-[:PRODUCES]-(cause:Vertex) RETURN cause, 'PRODUCES' AS type
  UNION
  MATCH (v)-[d:DEPENDS_ON]->(cause:Vertex) WHERE d._told RETURN cause, 'DEPENDS_ON' AS type
}
RETURN collect([cause._key, key, type]) AS rows
