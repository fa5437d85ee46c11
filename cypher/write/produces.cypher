// Put PRODUCES relationships and their mirrors; what a run's own record states outweighs readers.
// Parameters: rows (list of [run key, artefact key, role, evidence, stated])
// Columns: none
UNWIND $rows AS row
MATCH (r:Vertex {_key: row[0]})
USING INDEX r:Vertex(_key)
MATCH (a:Vertex {_key: row[1]})
USING INDEX a:Vertex(_key)
MERGE (r)-[p:PRODUCES]->(a)
ON CREATE SET p.role = row[2], p.evidence = row[3], p._stated = row[4]
WITH row, r, a, p,
  row[4] AND NOT p._stated
  OR row[4] = p._stated AND row[2] + ' ' + row[3] < p.role + ' ' + p.evidence AS better
SET p.role = CASE WHEN better THEN row[2] ELSE p.role END,
  p.evidence = CASE WHEN better THEN row[3] ELSE p.evidence END,
  p._stated = p._stated OR row[4],
  r._writes = true
MERGE (a)-[d:DEPENDS_ON {how: 'produced'}]->(r)
SET d.evidence = p.evidence
