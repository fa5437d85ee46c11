// Say how much is held, from the counts that the server keeps.
// Parameters: folder (text: whose ledger)
// Columns: records, nodes, edges
RETURN
  COUNT { MATCH (m:LedgerMember {folder: $folder, kind: 'records'}) WHERE m.projected } AS records,
  COUNT { MATCH (:Vertex) } AS nodes,
  COUNT { MATCH ()-[:USES]->() } + COUNT { MATCH ()-[:PRODUCES]->() }
  + COUNT { MATCH ()-[d:DEPENDS_ON]->() WHERE d._told } AS edges
