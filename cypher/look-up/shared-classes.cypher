// Give the artefacts that stand in for one another, with their classes.
// Parameters: project (text, or null for all)
// Columns: rows (one list of [artefact key, class])
MATCH (a:Artefact {_shared: true})
WHERE $project IS NULL OR a.project = $project
RETURN collect([a._key, a._class]) AS rows
