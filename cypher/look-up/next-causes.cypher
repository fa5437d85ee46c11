// Give what these vertices rest on directly, by recorded edges of any type.
// Parameters: keys (list of integer)
// Columns: rows (one list of [key, list of keys])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})-[d:USES|DEPENDS_ON]->(other:Vertex)
USING INDEX v:Vertex(_key)
WHERE d._inferred IS NULL
WITH key, collect(other._key) AS others
RETURN collect([key, others]) AS rows
