// Note that a run read a stream to which another had written, whose products may come later.
// Parameters: rows (list of [reader key, writer key, name, evidence])
// Columns: none
UNWIND $rows AS row
MATCH (reader:Vertex {_key: row[0]})
USING INDEX reader:Vertex(_key)
MATCH (writer:Vertex {_key: row[1]})
USING INDEX writer:Vertex(_key)
MERGE (reader)-[:LEDGER_STREAM {name: row[2], evidence: row[3]}]->(writer)
