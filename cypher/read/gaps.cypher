// What was never captured: the gaps of runs, by reason.
// Parameters:
//   grade (text, default ""): blocking or noted; "" takes both
// Columns:
//   reason: why something isn't known, as docs/reference/gaps.md lists them
//   grade: blocking or noted
//   runs: how many runs have such a gap
//   subjects: about how many things
//   example: one of those things
// Portable: yes
MATCH (r:Run)-[:HAS_GAP]->(g:Gap)
WHERE $grade = '' OR g.grade = $grade
RETURN g.reason AS reason, g.grade AS grade, count(DISTINCT r.id) AS runs,
  count(DISTINCT g.subject) AS subjects, min(g.subject) AS example
ORDER BY grade, runs DESC, reason
