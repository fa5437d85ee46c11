// Keep members of a ledger, but none that was erased meanwhile.
// Parameters: rows (list of {id, marker (id of the mark of erasure, or null), told})
// Columns: none
UNWIND $rows AS row
WITH row WHERE row.marker IS NULL OR NOT EXISTS { MATCH (:LedgerMember {id: row.marker}) }
MERGE (m:LedgerMember {id: row.id})
SET m += row.told
