// Put DEPENDS_ON relationships between vertices that had none between them.
// Parameters: rows (list of [effect key, cause key, how, evidence])
// Columns: none
UNWIND $rows AS row
MATCH (effect:Vertex {_key: row[0]})
USING INDEX effect:Vertex(_key)
MATCH (cause:Vertex {_key: row[1]})
USING INDEX cause:Vertex(_key)
CREATE (effect)-[:DEPENDS_ON {how: row[2], evidence: row[3], _told: true}]->(cause)
