// Versions that nothing rests on: read by no run, held on to by nobody, and a newer one is there.
// Parameters:
//   kind (text, default ""): only things of this kind, as Result; "" takes every kind
// Columns:
//   name: the name
//   kind: its kind
//   digest: which version
//   id: its id
//   time: when it was made
// Portable: yes
MATCH (x), (z)
WHERE x.made = true AND z.name = x.name AND z.made = true AND z.project = x.project
  AND z.time > x.time AND ($kind = '' OR x.kind = $kind) AND coalesce(x.pinned, '') = ''
  AND NOT EXISTS { MATCH (x)<-[:USES|DEPENDS_ON]-() }
RETURN DISTINCT x.name AS name, x.kind AS kind, x.digest AS digest, x.id AS id, x.time AS time
ORDER BY time, name, id
