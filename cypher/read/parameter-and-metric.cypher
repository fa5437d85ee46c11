// How a parameter's values line up with a metric: of the run itself, or of one it rests on.
// Parameters:
//   parameter (text, required): the parameter's name, as lr
//   metric (text, required): the metric's name, as accuracy
// Columns:
//   value: the parameter's value
//   number: the same as a number, where it is one
//   metric: the metric's value
//   run: the run that has the metric
//   step: that run's step
//   parameter_run: the run that has the parameter
//   started: when the run that has the metric began
// Portable: yes
//
// What a run rests on is collected as distinct ids: breadth first, not path by path.
MATCH (r:Run)-[:HAS_METRIC]->(m:Metric)
WHERE m.name = $metric
OPTIONAL MATCH (r)-[:USES|DEPENDS_ON*]->(above:Run)
WITH r, m, collect(DISTINCT above.id) AS before
MATCH (t:Run)-[:HAS_PARAMETER]->(p:Parameter)
WHERE p.name = $parameter AND (t.id = r.id OR t.id IN before)
RETURN p.value AS value, p.number AS number, m.number AS metric, r.id AS run, r.name AS step,
  t.id AS parameter_run, r.started AS started
ORDER BY number, value, started, run
