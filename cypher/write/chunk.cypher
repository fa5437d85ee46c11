// Keep a chunk of a large member, before the member itself.
// Parameters: id (text), body (compressed bytes)
// Columns: none
MERGE (c:LedgerChunk {id: $id})
SET c.body = $body
