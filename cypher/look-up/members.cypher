// Give the keys of the artefacts of classes of stand-ins.
// Parameters: classes (list of integer)
// Columns: keys (one list)
UNWIND $classes AS class
CALL (class) {
  MATCH (a:Artefact {_class: class}) RETURN a
  UNION
  MATCH (a:Vertex {_key: class})
  USING INDEX a:Vertex(_key)
  WHERE a:Artefact AND a._class IS NULL RETURN a
}
RETURN collect(a._key) AS keys
