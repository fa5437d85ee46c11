// Give the keys of the runs and artefacts whose id is, or begins with, a text.
// Parameters: start (text)
// Columns: keys (one list)
CALL () {
  MATCH (v:Run) WHERE v.id STARTS WITH $start RETURN v
  UNION
  MATCH (v:Artefact) WHERE v.id STARTS WITH $start RETURN v
}
WITH v WHERE v._known > 0
RETURN collect(v._key) AS keys
