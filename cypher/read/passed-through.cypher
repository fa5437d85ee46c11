// Nodes that most results pass through: how many results rest on each.
// Parameters:
//   kind (text, default ""): only nodes of this kind, as Script; "" takes every kind, runs too
// Columns:
//   name: what results rest on; of a run, its step
//   kind: its kind
//   id: its id
//   results: how many results rest on it
// Portable: yes
//
// One search for each result, breadth first: with very many results, give it time (--timeout).
MATCH (x:Result)-[:USES|DEPENDS_ON*]->(y)
WITH DISTINCT x, y
WHERE $kind = '' OR y.kind = $kind
RETURN y.name AS name, y.kind AS kind, y.id AS id, count(DISTINCT x.id) AS results
ORDER BY results DESC, kind, name, id
