// Put PRODUCES relationships and their mirrors between vertices that had none between them.
// Parameters: rows (list of [run key, artefact key, role, evidence, stated])
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row[0]})
USING INDEX r:Vertex(_key)
MATCH (a:Vertex {_key: row[1]})
USING INDEX a:Vertex(_key)
CREATE (r)-[:PRODUCES {role: row[2], evidence: row[3], _stated: row[4]}]->(a)
CREATE (a)-[:DEPENDS_ON {how: 'produced', evidence: row[3]}]->(r)
SET r._writes = true
