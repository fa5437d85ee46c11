// Give names equal to a text, below it as a folder, or ending in it.
// Parameters: name, folder (ends in /), tail, ending (begins with /), project (text, or null for all)
// Columns: name
MATCH (a:Artefact {name: $name})
WHERE $project IS NULL OR a.project = $project
RETURN DISTINCT a.name AS name
UNION
MATCH (a:Artefact)
WHERE a.name STARTS WITH $folder AND ($project IS NULL OR a.project = $project)
RETURN DISTINCT a.name AS name
UNION
MATCH (a:Artefact {_tail: $tail})
WHERE $tail <> '' AND a.name ENDS WITH $ending AND ($project IS NULL OR a.project = $project)
RETURN DISTINCT a.name AS name
