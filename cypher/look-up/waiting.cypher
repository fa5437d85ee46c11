// Give the records that are kept but not in the graph: unreadable to who sent them, or a rebuild is going on.
// Parameters: folder (text: whose ledger)
// Columns: names (one list)
MATCH (m:LedgerMember {folder: $folder, kind: 'records'})
WHERE NOT m.projected
RETURN collect(m.name) AS names
