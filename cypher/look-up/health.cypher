// Say what doctor wants to know: the server's clock, and which of our constraints are there.
// Parameters: folder (text: whose ledger)
// Columns: now (ms since 1970), records (all of this ledger), projected, nodes
RETURN
  timestamp() AS now,
  COUNT { MATCH (:LedgerMember {folder: $folder, kind: 'records'}) } AS records,
  COUNT { MATCH (m:LedgerMember {folder: $folder, kind: 'records'}) WHERE m.projected } AS projected,
  COUNT { MATCH (:Vertex) } AS nodes
