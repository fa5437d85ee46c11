// Say of a ledger's records that they aren't projected; their bodies stay.
// Parameters: folder (text: whose ledger)
// Columns: none
MATCH (m:LedgerMember {folder: $folder, kind: 'records'})
WHERE m.projected
CALL (m) { SET m.projected = false } IN TRANSACTIONS OF 5000 ROWS
