// Give the names of the records that are projected.
// Parameters: folder (text: whose ledger)
// Columns: names (one list)
MATCH (m:LedgerMember {folder: $folder, kind: 'records'})
WHERE m.projected
RETURN collect(m.name) AS names
