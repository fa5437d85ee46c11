// Give what the capture of any run may have missed.
// Parameters: project (text, or null for all)
// Columns: rows (one list of [run key, reason, subject])
MATCH (r:Run)-[:HAS_GAP]->(g:Gap)
WHERE $project IS NULL OR r.project = $project
RETURN collect([r._key, g.reason, g.subject]) AS rows
