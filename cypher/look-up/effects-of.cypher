// Give every recorded edge whose cause is among these; mirrors and inferred edges are left out.
// Parameters: keys (list of integer)
// Columns: rows (one list of [cause key, effect key, type])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})
USING INDEX v:Vertex(_key)
CALL (v) {
  MATCH (v)<-[:USES]-(effect:Vertex) RETURN effect, 'USES' AS type
  UNION
  MATCH (v)-[:PRODUCES]->(effect:Vertex) RETURN effect, 'PRODUCES' AS type
  UNION
  MATCH (v)<-[d:DEPENDS_ON]-(effect:Vertex) WHERE d._told RETURN effect, 'DEPENDS_ON' AS type
}
RETURN collect([key, effect._key, type]) AS rows
