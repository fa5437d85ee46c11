// Bottlenecks: which runs took longest, and how many results rest on each.
// Parameters:
//   step (text, default ""): only runs of this step; "" takes every step
// Columns:
//   step: the run's step
//   run: its id
//   seconds: how long it took
//   results: how many results rest on it
// Portable: yes
//
// The critical path, over several runs, says `provgraph structure`.
MATCH (x:Result)-[:USES|DEPENDS_ON*]->(r)
WITH DISTINCT x, r
WHERE r.kind = 'Run' AND ($step = '' OR r.name = $step)
RETURN r.name AS step, r.id AS run, r.seconds AS seconds, count(DISTINCT x.id) AS results
ORDER BY seconds DESC, step, run
