// Runs that repeat the same inputs: runs of one step that read the same versions of everything.
// Parameters:
//   step (text, default ""): only runs of this step; "" takes every step
// Columns:
//   step: the step
//   runs: how many runs had these inputs
//   inputs: how many inputs there were
//   first: the first of the runs
//   last: the last of them
//   products: how many different contents they made of it
// Needs: Neo4j because elsewhere the order within a collected list isn't kept
MATCH (r:Run)-[u:USES]->(x)
WHERE u.role <> 'platform' AND ($step = '' OR r.name = $step)
WITH DISTINCT r, x.name AS name, x.digest AS digest, u.touched AS touched
ORDER BY name, digest
WITH r, collect([name, touched]) AS inputs
ORDER BY r.started, r.id
WITH r.name AS step, inputs, collect(r) AS runs
WHERE size(runs) > 1
UNWIND runs AS r
OPTIONAL MATCH (r)-[:PRODUCES]->(y)
RETURN step, size(runs) AS runs, size(inputs) AS inputs, runs[0].id AS first,
  runs[-1].id AS last, count(DISTINCT [y.name, y.digest]) AS products
ORDER BY runs DESC, step, first
