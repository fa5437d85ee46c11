// Say of artefacts without a recorded maker which run an import says made them: the least id counts.
// Parameters: rows (list of [artefact key, run key, run id])
// Columns: none
UNWIND $rows AS row
MATCH (a:Vertex {_key: row[0]})
USING INDEX a:Vertex(_key)
WHERE a._maker IS NULL AND (a._attributed_id IS NULL OR row[2] < a._attributed_id)
SET a._attributed = row[1], a._attributed_id = row[2], a.made = true
