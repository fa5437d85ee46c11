// Remove members that were erased, with their chunks.
// Parameters: ids (list of text)
// Columns: none
UNWIND $ids AS id
MATCH (m:LedgerMember {id: id})
WITH m, [n IN range(0, coalesce(m.chunks, 0) - 1) | m.id + '#' + toString(n)] AS chunks
OPTIONAL MATCH (c:LedgerChunk) WHERE c.id IN chunks
DETACH DELETE c, m
