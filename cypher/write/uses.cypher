// Put USES relationships; of several statements on one the greatest counts, all are kept.
// Parameters: rows (list of [run key, artefact key, role, evidence, touched as JSON, touched as list])
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row[0]})
USING INDEX r:Vertex(_key)
MATCH (a:Vertex {_key: row[1]})
USING INDEX a:Vertex(_key)
MERGE (r)-[u:USES {role: row[2], evidence: row[3]}]->(a)
ON CREATE SET u.touched = row[5], u._touched = row[4]
ON MATCH SET
  u._also = CASE
    WHEN row[4] IS NULL OR row[4] = u._touched OR row[4] IN coalesce(u._also, []) THEN u._also
    WHEN u._touched IS NULL THEN u._also
    WHEN row[4] > u._touched THEN coalesce(u._also, []) + u._touched
    ELSE coalesce(u._also, []) + row[4] END,
  u.touched = CASE WHEN row[4] > coalesce(u._touched, '') THEN row[5] ELSE u.touched END,
  u._touched = CASE WHEN row[4] > coalesce(u._touched, '') THEN row[4] ELSE u._touched END
