// What most runs read: a change of it is felt widely.
// Parameters:
//   kind (text, default ""): only things of this kind, as Dataset; "" takes every kind
// Columns:
//   name: what is read
//   kind: its kind
//   digest: which version
//   runs: how many runs read it
//   steps: of how many steps
// Portable: yes
MATCH (r:Run)-[:USES]->(x)
WHERE $kind = '' OR x.kind = $kind
RETURN x.name AS name, x.kind AS kind, x.digest AS digest, count(DISTINCT r.id) AS runs,
  count(DISTINCT r.step) AS steps
ORDER BY runs DESC, kind, name, digest
