// Give what is pinned, and how.
// Parameters: project (text, or null for all)
// Columns: rows (one list of [name, digest, as])
MATCH (p:LedgerPin)
WHERE p.said <> 'none' AND ($project IS NULL OR p.project = $project)
RETURN collect([p.name, p.digest, p.said]) AS rows
