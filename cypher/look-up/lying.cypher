// Give who put contents at names, the newest last.
// Parameters: wanted (list of [name, digest]), project (text, or null for all)
// Columns: name, digest, run, step
UNWIND $wanted AS pair
MATCH (a:Artefact {name: pair[0]})
WHERE a.digest = pair[1] AND ($project IS NULL OR a.project = $project)
MATCH (a)<-[p:PRODUCES]-(r:Run)
WHERE p._stated AND r._known = 1
RETURN a.name AS name, a.digest AS digest, r.id AS run, r.step AS step ORDER BY r._ended, r.id
