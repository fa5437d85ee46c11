// Give the keys of what runs produced.
// Parameters: runs (list of integer)
// Columns: key
UNWIND $runs AS run
MATCH (r:Vertex {_key: run})-[:PRODUCES]->(a:Artefact)
USING INDEX r:Vertex(_key)
RETURN DISTINCT a._key AS key
