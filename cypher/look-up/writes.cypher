// Say how many transactions have written: equal counts mean an unchanged graph.
// Parameters: none
// Columns: writes
MATCH (l:LedgerLayout {id: 'provgraph'})
RETURN coalesce(l.writes, 0) AS writes
