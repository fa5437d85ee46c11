// Which versions of data (or of code, configs, …) contributed to a result, over any number of steps.
// Parameters:
//   name (text, required): the result's name, as out/summary.csv
//   digest (text, default ""): how the result's digest begins; "" takes every version of it
//   kind (text, default "Dataset"): the kind of what contributed; "" takes every kind
// Columns:
//   name: what contributed
//   kind: its kind
//   digest: which version
//   made: whether a recorded run made it
//   time: when it was made or first read
//   result: the result's digest
// Portable: yes
//
// DISTINCT, and no name for the path: so both databases search breadth first, and never walk one
// path after the other, of which there may be 2^40.
MATCH (x)-[:USES|DEPENDS_ON*]->(y)
WHERE x.name = $name AND x.kind <> 'Run' AND x.digest STARTS WITH $digest
WITH DISTINCT x, y
WHERE y.kind <> 'Run' AND ($kind = '' OR y.kind = $kind)
RETURN y.name AS name, y.kind AS kind, y.digest AS digest, y.made AS made, y.time AS time,
  x.digest AS result
ORDER BY name, time, digest, result
