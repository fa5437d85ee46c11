// Give the keys of the artefacts of classes of stand-ins.
// Parameters: classes (list of integer)
// Columns: keys (one list)
UNWIND $classes AS class
MATCH (a:Artefact {_class: class})
RETURN collect(a._key) AS keys
