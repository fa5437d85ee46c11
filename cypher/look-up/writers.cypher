// Give who wrote at names, the newest last.
// Parameters: names (list of text), project (text, or null for all)
// Columns: name, run, step, project of the run
UNWIND $names AS name
MATCH (a:Artefact {name: name})
WHERE $project IS NULL OR a.project = $project
MATCH (a)<-[p:PRODUCES]-(r:Run)
WHERE p._stated AND r._known = 1
RETURN DISTINCT name, r.id AS run, r.step AS step, r.project AS home, r._ended AS ended
ORDER BY ended, run
