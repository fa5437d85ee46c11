// Give a chunk of a large member.
// Parameters: id (text)
// Columns: body (compressed)
MATCH (c:LedgerChunk {id: $id})
RETURN c.body AS body
