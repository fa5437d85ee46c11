// Put USES relationships between vertices that had none between them.
// Parameters: rows (list of [run key, artefact key, role, evidence, touched as JSON, touched as list])
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row[0]})
USING INDEX r:Vertex(_key)
MATCH (a:Vertex {_key: row[1]})
USING INDEX a:Vertex(_key)
CREATE (r)-[:USES {role: row[2], evidence: row[3], _touched: row[4], touched: row[5]}]->(a)
