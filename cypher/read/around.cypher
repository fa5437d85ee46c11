// What touches a thing directly: its causes and its effects, one relationship away.
// Parameters:
//   id (text, required): the thing's id: run:…, gen:…
// Columns:
//   side: cause or effect
//   type: USES (a run read it) or DEPENDS_ON (a run wrote it; a copy, a derivation)
//   name: the other end's name; of a run, its step
//   kind: its kind
//   digest: which version; none for a run
//   other: its id
// Portable: yes
MATCH (x)-[:USES]->(y)
WHERE x.id = $id
RETURN DISTINCT 'cause' AS side, 'USES' AS type, y.name AS name, y.kind AS kind,
  y.digest AS digest, y.id AS other
UNION ALL
MATCH (x)-[:DEPENDS_ON]->(y)
WHERE x.id = $id
RETURN DISTINCT 'cause' AS side, 'DEPENDS_ON' AS type, y.name AS name, y.kind AS kind,
  y.digest AS digest, y.id AS other
UNION ALL
MATCH (x)<-[:USES]-(y)
WHERE x.id = $id
RETURN DISTINCT 'effect' AS side, 'USES' AS type, y.name AS name, y.kind AS kind,
  y.digest AS digest, y.id AS other
UNION ALL
MATCH (x)<-[:DEPENDS_ON]-(y)
WHERE x.id = $id
RETURN DISTINCT 'effect' AS side, 'DEPENDS_ON' AS type, y.name AS name, y.kind AS kind,
  y.digest AS digest, y.id AS other
