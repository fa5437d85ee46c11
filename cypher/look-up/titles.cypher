// Give what people read in place of opaque names, the newest of each last.
// Parameters: project (text, or null for all)
// Columns: rows (one list of [subject, text])
MATCH (t:LedgerTitle)
WHERE $project IS NULL OR t.project = $project
WITH t ORDER BY t.subject, t.at, t.text
RETURN collect([t.subject, t.text]) AS rows
