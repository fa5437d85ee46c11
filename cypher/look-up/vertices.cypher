// Give runs and artefacts as people see them.
// Parameters: keys (list of integer)
// Columns: rows (one list of [key, id, is a run, explicit kind, name, digest, known, status, started, seconds, props])
UNWIND $keys AS key
MATCH (v:Vertex {_key: key})
USING INDEX v:Vertex(_key)
RETURN collect([
  key, v.id, v:Run, v._explicit, v.name, coalesce(v.digest, v._digest, ''), v._known,
  v.status, v.started, v.seconds, v.props
]) AS rows
