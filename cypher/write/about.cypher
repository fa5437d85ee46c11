// Link notes with the vertices they are about, whichever came first.
// Parameters: rows (list of [subject, vertex key])
// Columns: none
UNWIND $rows AS row
MATCH (n:Note {_subject: row[0]})
MATCH (v:Vertex {_key: row[1]})
USING INDEX v:Vertex(_key)
MERGE (n)-[:ABOUT]->(v)
