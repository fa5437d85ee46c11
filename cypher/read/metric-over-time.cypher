// How a metric went from run to run.
// Parameters:
//   metric (text, required): the metric's name, as accuracy
//   step (text, default ""): only of runs of this step; "" takes every step
// Columns:
//   started: when the run began
//   value: the metric
//   step: the run's step
//   run: the run
//   source: the file the metric was found in
//   commit: the git commit
// Portable: yes
MATCH (r:Run)-[:HAS_METRIC]->(m:Metric)
WHERE m.name = $metric AND ($step = '' OR r.name = $step)
RETURN r.started AS started, m.number AS value, r.name AS step, r.id AS run, m.source AS source,
  r.commit AS commit
ORDER BY started, run, source
