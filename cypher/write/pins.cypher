// Put pins; of several on one result the newest counts.
// Parameters: rows (list of {id, told}), told with `version`
// Columns: none
UNWIND $rows AS row
MERGE (p:LedgerPin {id: row.id})
WITH p, row WHERE p.version IS NULL OR row.told.version > p.version
SET p += row.told
