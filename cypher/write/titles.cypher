// Put what people read in place of opaque names.
// Parameters: rows (list of {id, told})
// Columns: none
UNWIND $rows AS row
MERGE (t:LedgerTitle {id: row.id})
SET t:LedgerSaid, t += row.told
