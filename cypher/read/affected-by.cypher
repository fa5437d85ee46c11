// What a version of a dataset (or of anything) affects: all that rests on it.
// Parameters:
//   name (text, required): its name, or a directory's: data/v3 means everything below it
//   digest (text, default ""): how its digest begins; "" takes every version
//   kind (text, default "Result"): the kind of what is affected; "" takes every kind, runs too
// Columns:
//   name: what is affected; of a run, its step
//   kind: its kind
//   digest: which version; none for a run
//   id: its id
//   time: when it was made; none for a run
//   pinned: pinned or published, where somebody holds on to it
// Portable: yes
//
// Plain reachability through history: what is stale now, and why, says `provgraph impact`.
// DISTINCT, and no name for the path: breadth first, not path by path.
MATCH (y)<-[:USES|DEPENDS_ON*]-(x)
WHERE (y.name = $name OR y.name STARTS WITH ($name + '/')) AND y.kind <> 'Run'
  AND y.digest STARTS WITH $digest
WITH DISTINCT x
WHERE $kind = '' OR x.kind = $kind
RETURN x.name AS name, x.kind AS kind, x.digest AS digest, x.id AS id, x.time AS time,
  x.pinned AS pinned
ORDER BY kind, name, time, id
