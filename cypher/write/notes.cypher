// Put notes; `write/about` links them with what they are about.
// Parameters: rows (list of {id, told})
// Columns: none
UNWIND $rows AS row
MERGE (n:Note {id: row.id})
SET n:LedgerSaid, n += row.told
