// Give members' bodies, or in how many chunks they are kept.
// Parameters: ids (list of text)
// Columns: id, body (compressed, or null), chunks
UNWIND $ids AS id
MATCH (m:LedgerMember {id: id})
RETURN id, m.body AS body, coalesce(m.chunks, 0) AS chunks
