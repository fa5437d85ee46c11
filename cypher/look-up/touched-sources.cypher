// Give, once each, what was touched of artefacts that no run made.
// Parameters: project (text, or null for all)
// Columns: rows (one list of [artefact key, role, touched as JSON])
MATCH (a:Artefact)
WHERE a._known > 0 AND a._maker IS NULL AND a._attributed IS NULL AND a.digest > ''
  AND ($project IS NULL OR a.project = $project)
MATCH (a)<-[u:USES]-()
WHERE u.role <> 'stream'
  AND u._touched IS NOT NULL
UNWIND u._touched + coalesce(u._also, []) AS touched
WITH DISTINCT a._key AS key, u.role AS role, touched
RETURN collect([key, role, touched]) AS rows
