// Results whose runs have no captured input: nothing is known of what they rest on but code.
// Parameters: none
// Columns:
//   name: the product
//   kind: its kind
//   step: the step that made it
//   tracing: how the run was watched
//   complete: whether everything it touched was seen
//   run: the run
//   started: when it began
// Portable: yes
MATCH (r:Run)-[:PRODUCES]->(x)
WHERE NOT EXISTS { MATCH (r)-[u:USES]->(y) WHERE u.role IN ['input', 'config', 'data'] }
RETURN x.name AS name, x.kind AS kind, r.name AS step, r.tracing AS tracing,
  r.complete AS complete, r.id AS run, r.started AS started
ORDER BY started, run, name
