// What rests on a package at a version: what runs made that had touched it, and all that follows.
// Parameters:
//   package (text, required): the package's name, as numpy
//   version (text, default ""): its version; "" takes every version
//   kind (text, default "Result"): the kind of what is listed; "" takes every kind, runs too
// Columns:
//   name: what rests on it; of a run, its step
//   kind: its kind
//   digest: which version; none for a run
//   id: its id
//   pinned: pinned or published, where somebody holds on to it
// Portable: yes
MATCH (r:Run)-[u:USES]->(e)
UNWIND u.touched AS part
WITH r, part
WHERE part = ($package + '=v:' + $version)
  OR ($version = '' AND part STARTS WITH ($package + '=v:'))
WITH DISTINCT r
MATCH (r)<-[:USES|DEPENDS_ON*]-(x)
WITH DISTINCT x
WHERE $kind = '' OR x.kind = $kind
RETURN x.name AS name, x.kind AS kind, x.digest AS digest, x.id AS id, x.pinned AS pinned
ORDER BY kind, name, id
