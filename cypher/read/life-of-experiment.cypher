// The life of one experiment from first to last: its runs, with all that is known of each.
// Parameters:
//   name (text, required): the step's name, as `provgraph log` shows it: train.py
// Columns:
//   started: when the run began
//   run: the run
//   status: how it ended
//   seconds: how long it took
//   commit: the git commit
//   what: Parameter, Metric, Note, Gap, Agent, Command, or the kind of what it made
//   name: the parameter's, metric's or product's name
//   value: its value, text or digest
// Portable: yes
MATCH (r:Run)
WHERE r.name = $name
OPTIONAL MATCH (r)-[:HAS_PARAMETER|HAS_METRIC|HAS_GAP|BY|RAN|PRODUCES|ABOUT]-(x)
RETURN r.started AS started, r.id AS run, r.status AS status, r.seconds AS seconds,
  r.commit AS commit, x.kind AS what, coalesce(x.name, x.subject, x.host) AS name,
  coalesce(x.value, x.text, x.reason, x.user, x.digest) AS value
ORDER BY started, run, what, name, value
