// Say which of these records are projected.
// Parameters: ids (list of text: ids of ledger members)
// Columns: name
UNWIND $ids AS id
MATCH (m:LedgerMember {id: id})
WHERE m.projected
RETURN m.name AS name
