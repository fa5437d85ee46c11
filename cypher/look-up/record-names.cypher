// Give the names of all records of a ledger, projected or not.
// Parameters: folder (text: whose ledger)
// Columns: names (one list)
MATCH (m:LedgerMember {folder: $folder, kind: 'records'})
RETURN collect(m.name) AS names
