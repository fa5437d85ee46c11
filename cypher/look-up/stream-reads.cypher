// Give which runs read a stream to which one of these runs had written.
// Parameters: runs (list of integer: writers of streams)
// Columns: rows (one list of [reader key, writer key, name, evidence])
UNWIND $runs AS run
MATCH (w:Vertex {_key: run})<-[s:LEDGER_STREAM]-(reader:Vertex)
USING INDEX w:Vertex(_key)
RETURN collect([reader._key, run, s.name, s.evidence]) AS rows
