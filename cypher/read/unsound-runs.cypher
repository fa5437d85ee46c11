// Runs that don't count in full: failed, interrupted, or not wholly seen, and what was made of them.
// Parameters: none
// Columns:
//   run: the run
//   step: its step
//   status: ok, failed or interrupted
//   complete: whether everything it touched was seen
//   products: how many things it made
//   started: when it began
// Portable: yes
MATCH (r:Run)
WHERE r.status <> 'ok' OR r.complete = false
OPTIONAL MATCH (r)-[:PRODUCES]->(x)
RETURN r.id AS run, r.name AS step, r.status AS status, r.complete AS complete,
  count(DISTINCT x.id) AS products, r.started AS started
ORDER BY started DESC, run
