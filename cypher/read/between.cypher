// What lies on the paths from a cause to an effect, by plain reachability through history.
// Parameters:
//   cause (text, required): the cause's name, or a directory's: data/v3 means everything below it
//   effect (text, required): the effect's name, or its id
// Columns:
//   name: what lies between; of a run, its step
//   kind: its kind
//   digest: which version; none for a run
//   id: its id
//   time: when it was made; none for a run
// Portable: yes
//
// Two searches, breadth first, and what both found: never one path after the other.
MATCH (e)-[:USES|DEPENDS_ON*]->(x)
WHERE e.name = $effect OR e.id = $effect
WITH DISTINCT x
WITH collect(x.id) AS under
MATCH (y)<-[:USES|DEPENDS_ON*]-(x)
WHERE (y.name = $cause OR y.name STARTS WITH ($cause + '/')) AND y.kind <> 'Run'
WITH DISTINCT x, under
WHERE x.id IN under
RETURN x.name AS name, x.kind AS kind, x.digest AS digest, x.id AS id, x.time AS time
ORDER BY kind, name, id
