// Put artefacts of one kind: what `told` says of each is set, the rest stays.
// Parameters: rows (list of {key, told}), labels (list of text: Artefact, and the kind where it is a label)
// Columns: none
UNWIND $rows AS row
MERGE (a:Vertex {_key: row.key})
SET a:$($labels), a += row.told
