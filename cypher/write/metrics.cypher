// Say which numbers runs gave.
// Parameters: rows (list of {run, id, told})
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row.run})
USING INDEX r:Vertex(_key)
MERGE (n:Metric {id: row.id})
SET n += row.told
MERGE (r)-[:HAS_METRIC]->(n)
