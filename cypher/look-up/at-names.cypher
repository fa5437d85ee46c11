// Give the keys of the artefacts at names.
// Parameters: names (list of text), project (text, or null for all)
// Columns: keys (one list)
UNWIND $names AS name
MATCH (a:Artefact {name: name})
WHERE $project IS NULL OR a.project = $project
RETURN collect(a._key) AS keys
