// Let one transaction write at a time: others wait here until this one ends.
// Parameters: none
// Columns: writes (how many transactions have written)
MATCH (l:LedgerLayout {id: 'provgraph'})
SET l.writes = coalesce(l.writes, 0) + 1
RETURN l.writes AS writes
