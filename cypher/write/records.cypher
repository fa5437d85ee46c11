// Keep records' bodies, or mark those that are here as projected.
// Parameters: rows (list of {id, told})
// Columns: none
UNWIND $rows AS row
MERGE (m:LedgerMember {id: row.id})
SET m += row.told
