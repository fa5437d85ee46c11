// Say whether provgraph has laid this database out, and how many nodes it holds.
// Parameters: none
// Columns: layout (null: not yet), nodes
OPTIONAL MATCH (l:LedgerLayout {id: 'provgraph'})
RETURN l.layout AS layout, COUNT { MATCH () } AS nodes
