// What differs between two runs: what one has and the other hasn't.
// Parameters:
//   first (text, required): a run's id, or how it begins
//   second (text, required): the other's
// Columns:
//   what: input, parameter, metric or product
//   name: the input's name, the parameter's, …
//   value: of an input the part and its digest, else the value
//   run: the run that has it
// Portable: yes
MATCH (a:Run)-[u:USES]->(x), (b:Run)
WHERE (a.id STARTS WITH $first AND b.id STARTS WITH $second)
  OR (a.id STARTS WITH $second AND b.id STARTS WITH $first)
UNWIND u.touched AS part
WITH a, b, x, part
WHERE NOT EXISTS {
  MATCH (b)-[v:USES]->(y) WHERE y.name = x.name AND part IN v.touched
}
RETURN DISTINCT 'input' AS what, x.name AS name, part AS value, a.id AS run
UNION ALL
MATCH (a:Run)-[:HAS_PARAMETER]->(x:Parameter), (b:Run)
WHERE ((a.id STARTS WITH $first AND b.id STARTS WITH $second)
  OR (a.id STARTS WITH $second AND b.id STARTS WITH $first))
  AND NOT EXISTS {
    MATCH (b)-[:HAS_PARAMETER]->(y:Parameter) WHERE y.name = x.name AND y.value = x.value
  }
RETURN DISTINCT 'parameter' AS what, x.name AS name, x.value AS value, a.id AS run
UNION ALL
MATCH (a:Run)-[:HAS_METRIC]->(x:Metric), (b:Run)
WHERE ((a.id STARTS WITH $first AND b.id STARTS WITH $second)
  OR (a.id STARTS WITH $second AND b.id STARTS WITH $first))
  AND NOT EXISTS {
    MATCH (b)-[:HAS_METRIC]->(y:Metric) WHERE y.name = x.name AND y.value = x.value
  }
RETURN DISTINCT 'metric' AS what, x.name AS name, x.value AS value, a.id AS run
UNION ALL
MATCH (a:Run)-[:PRODUCES]->(x), (b:Run)
WHERE ((a.id STARTS WITH $first AND b.id STARTS WITH $second)
  OR (a.id STARTS WITH $second AND b.id STARTS WITH $first))
  AND NOT EXISTS {
    MATCH (b)-[:PRODUCES]->(y) WHERE y.name = x.name AND y.digest = x.digest
  }
RETURN DISTINCT 'product' AS what, x.name AS name, x.digest AS value, a.id AS run
