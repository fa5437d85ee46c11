// Note which layout the constraints and indexes that are there belong to.
// Parameters: layout (integer)
// Columns: none
MERGE (l:LedgerLayout {id: 'provgraph'}) SET l.layout = $layout
