// Put the edges that named rules add to a project's graph: copies, writers that nobody watched.
// Parameters: rows (list of [effect key, cause key, rule])
// Columns: none
UNWIND $rows AS row
MATCH (effect:Vertex {_key: row[0]})
USING INDEX effect:Vertex(_key)
MATCH (cause:Vertex {_key: row[1]})
USING INDEX cause:Vertex(_key)
MERGE (effect)-[d:DEPENDS_ON {how: row[2], evidence: 'inferred', _inferred: true}]->(cause)
