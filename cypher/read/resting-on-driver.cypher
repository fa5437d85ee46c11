// What rests on a GPU driver (or a kernel, an OS build, another attribute of the machine).
// Parameters:
//   version (text, default ""): its version; "" takes every version
//   attribute (text, default "gpu0.driver"): what to look for, as gpu1.driver, kernel, os, cpu
//   kind (text, default "Result"): the kind of what is listed; "" takes every kind, runs too
// Columns:
//   name: what rests on it; of a run, its step
//   kind: its kind
//   digest: which version; none for a run
//   id: its id
//   pinned: pinned or published, where somebody holds on to it
// Portable: yes
MATCH (r:Run)-[u:USES]->(h)
WHERE u.role = 'platform'
UNWIND u.touched AS part
WITH r, part
WHERE part = ($attribute + '=v:' + $version)
  OR ($version = '' AND part STARTS WITH ($attribute + '=v:'))
WITH DISTINCT r
MATCH (r)<-[:USES|DEPENDS_ON*]-(x)
WITH DISTINCT x
WHERE $kind = '' OR x.kind = $kind
RETURN x.name AS name, x.kind AS kind, x.digest AS digest, x.id AS id, x.pinned AS pinned
ORDER BY kind, name, id
