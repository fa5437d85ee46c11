// Give artefacts by key, each with its maker (or the run that an import says made it).
// Parameters: keys (list of integer)
// Columns: rows (one list, columns as `Generation` has them)
UNWIND $keys AS key
MATCH (a:Vertex {_key: key})
USING INDEX a:Vertex(_key)
WHERE a:Artefact AND a._known > 0
OPTIONAL MATCH (m:Vertex {_key: coalesce(a._maker, a._attributed)})
USING INDEX m:Vertex(_key)
RETURN collect([
  a._key, a.id, a.project, a.name, coalesce(a.digest, ''), a.size, coalesce(a._maker, a._attributed),
  coalesce(m.step, a._maker_step, CASE WHEN m._known = 2 THEN m.id END), coalesce(a._class, a._key),
  CASE WHEN m._known > 0 AND m._ended > 0 THEN m._ended ELSE coalesce(a._first_read, 0) END,
  coalesce(m.id, a.id), a._before, a._first_read, a._append, a._known, a._explicit, a._parts
]) AS rows
