// Say with which parameters runs were done.
// Parameters: rows (list of {run, id, told})
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row.run})
USING INDEX r:Vertex(_key)
MERGE (n:Parameter {id: row.id})
SET n:LedgerSaid, n += row.told
MERGE (r)-[:HAS_PARAMETER]->(n)
