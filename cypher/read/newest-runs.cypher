// The newest runs, with how they ended.
// Parameters:
//   since (text, default ""): only runs that began then or later, as 2026-11-01; "" takes all
// Columns:
//   run: the run
//   step: its step
//   status: ok, failed or interrupted
//   started: when it began
//   seconds: how long it took
//   project: the project's id
//   branch: the git branch
//   commit: the git commit
//   dirty: whether the working tree had changes that weren't committed
// Portable: yes
MATCH (r:Run)
WHERE $since = '' OR r.started >= $since
RETURN r.id AS run, r.name AS step, r.status AS status, r.started AS started,
  r.seconds AS seconds, r.project AS project, r.branch AS branch, r.commit AS commit,
  r.dirty AS dirty
ORDER BY started DESC, run DESC
