// Give the keys of the artefacts that carry a kind explicitly.
// Parameters: kind (text), project (text, or null for all)
// Columns: keys (one list)
MATCH (a:Artefact {_explicit: $kind})
WHERE a._known > 0 AND ($project IS NULL OR a.project = $project)
RETURN collect(a._key) AS keys
