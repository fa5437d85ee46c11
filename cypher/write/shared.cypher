// Mark the artefacts that stand in for one another, and unmark those that no longer do.
// Parameters: classes (list of integer)
// Columns: none
UNWIND $classes AS class
MATCH (a:Artefact {_class: class})
WITH class, collect(a) AS several
UNWIND several AS a
SET a._shared = CASE WHEN size(several) > 1 THEN true ELSE null END
