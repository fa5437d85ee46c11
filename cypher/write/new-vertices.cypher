// Put runs or artefacts that were not there before.
// Parameters: rows (list of properties, `_key` among them), labels (list of text)
// Columns: none
UNWIND $rows AS row
CREATE (v:Vertex&$($labels))
SET v = row
