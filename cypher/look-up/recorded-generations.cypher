// Give every artefact with a digest, columns as `look-up/generations` has them.
// Parameters: project (text, or null for all)
// Columns: rows (one list, columns as `Generation` has them)
MATCH (a:Artefact)
WHERE a.digest > '' AND a._known > 0 AND ($project IS NULL OR a.project = $project)
OPTIONAL MATCH (m:Vertex {_key: coalesce(a._maker, a._attributed)})
USING INDEX m:Vertex(_key)
RETURN collect([
  a._key, a.id, a.project, a.name, coalesce(a.digest, ''), a.size, coalesce(a._maker, a._attributed),
  coalesce(m.step, a._maker_step, CASE WHEN m._known = 2 THEN m.id END), coalesce(a._class, a._key),
  CASE WHEN m._known > 0 AND m._ended > 0 THEN m._ended ELSE coalesce(a._first_read, 0) END,
  coalesce(m.id, a.id), a._before, a._first_read, a._append, a._known, a._explicit, a._parts
]) AS rows
