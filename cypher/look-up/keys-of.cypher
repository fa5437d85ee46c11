// Give the keys of the runs and artefacts with these ids.
// Parameters: ids (list of text)
// Columns: rows (one list of [id, key])
UNWIND $ids AS id
CALL (id) {
  MATCH (v:Run {id: id}) RETURN v
  UNION
  MATCH (v:Artefact {id: id}) RETURN v
}
WITH id, v WHERE v._known > 0
RETURN collect([id, v._key]) AS rows
