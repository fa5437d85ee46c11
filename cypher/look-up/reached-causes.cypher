// Give what these vertices rest on, however many steps away, by the number of steps.
// The server keeps the shortest distance of each end point alone, so it visits a vertex once.
// Parameters: keys (list of integer, a few)
// Columns: rows (one list of [steps, list of keys])
UNWIND $keys AS key
MATCH path = (seed:Vertex {_key: key})-[:USES|DEPENDS_ON*1..]->(end:Vertex)
USING INDEX seed:Vertex(_key)
WHERE all(d IN relationships(path) WHERE d._inferred IS NULL)
WITH end, min(length(path)) AS steps
WITH steps, collect(end._key) AS ends
RETURN collect([steps, ends]) AS rows
