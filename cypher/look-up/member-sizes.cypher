// List the members of a ledger that are here, with their sizes in bytes.
// Parameters: folder (text: whose ledger), projected (true: leave out records still to be projected)
// Columns: rows (one list of [path, size])
MATCH (m:LedgerMember {folder: $folder})
WHERE NOT $projected OR m.kind <> 'records' OR m.projected
RETURN collect([m.path, m.size]) AS rows
