// Give runs by key.
// Parameters: keys (list of integer)
// Columns: rows (one list, columns as `RunRow` has them)
UNWIND $keys AS key
MATCH (r:Vertex {_key: key})
USING INDEX r:Vertex(_key)
WHERE r:Run AND r._known > 0
RETURN collect([
  r._key, r.id, r.project, r.step, r.name, r._way, r.status, r._ended, r.started, r.seconds,
  coalesce(r._writes, false),
  NOT EXISTS {
    MATCH (later:Run {project: r.project, step: r.step})
    WHERE later._ended >= r._ended AND later._known > 0
      AND (later._ended > r._ended OR later.id > r.id)
  },
  r.tracing, r.complete, coalesce(r._within, "")
]) AS rows
