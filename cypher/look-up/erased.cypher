// Say which of these objects were erased.
// Parameters: objects (list of text)
// Columns: id
UNWIND $objects AS object
MATCH (e:LedgerErased {id: object})
RETURN e.id AS id
