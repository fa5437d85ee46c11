// Put runs: what `told` says of each is set, the rest stays.
// Parameters: rows (list of {key, told})
// Columns: none
UNWIND $rows AS row
MERGE (r:Vertex {_key: row.key})
SET r:Run, r += row.told
