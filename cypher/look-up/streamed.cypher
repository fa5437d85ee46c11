// Give what readers of streams used of runs' products.
// Parameters: runs (list of integer: writers of streams)
// Columns: rows (one list of [reader key, artefact key, evidence])
UNWIND $runs AS run
MATCH (w:Vertex {_key: run})<-[s:LEDGER_STREAM]-(reader:Vertex)
USING INDEX w:Vertex(_key)
MATCH (w)-[:PRODUCES]->(a:Artefact)
WHERE a.name = s.name
RETURN collect(DISTINCT [reader._key, a._key, s.evidence]) AS rows
