// Say what the capture of runs may have missed.
// Parameters: rows (list of {run, id, told})
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row.run})
USING INDEX r:Vertex(_key)
MERGE (n:Gap {id: row.id})
SET n += row.told
MERGE (r)-[:HAS_GAP]->(n)
