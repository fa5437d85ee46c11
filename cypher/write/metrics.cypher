// Say which numbers runs gave.
// Parameters: rows (list of {run, id, told})
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row.run})
MERGE (n:Metric {id: row.id})
SET n += row.told
MERGE (r)-[:HAS_METRIC]->(n)
