// Say who did runs.
// Parameters: rows (list of {run, id, told})
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row.run})
USING INDEX r:Vertex(_key)
MERGE (n:Agent {id: row.id})
SET n:LedgerSaid, n += row.told
MERGE (r)-[:BY]->(n)
