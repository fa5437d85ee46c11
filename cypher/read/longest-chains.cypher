// The longest chains: how many steps lie between a result and the farthest thing it rests on.
// Parameters:
//   name (text, default ""): only of results with this name; "" takes each result nothing rests on
// Columns:
//   name: the result
//   digest: which version
//   id: its id
//   steps: how many relationships the shortest way to the farthest cause has
//   farthest: the name of that cause (the first by name, where there are several)
// Needs: Neo4j because shortestPath() has no counterpart elsewhere
//
// The longest of all paths can't be had without walking every one (2^40 in forty diamonds, no end
// in a cycle). The distance to the farthest cause can: one search for each cause, breadth first.
MATCH (x:Result)
WHERE CASE WHEN $name = '' THEN NOT EXISTS { (x)<-[:USES|DEPENDS_ON]-() } ELSE x.name = $name END
MATCH (x)-[:USES|DEPENDS_ON*]->(y)
WITH DISTINCT x, y
WHERE x <> y
MATCH way = shortestPath((x)-[:USES|DEPENDS_ON*]->(y))
WITH x, length(way) AS steps, min(y.name) AS farthest
ORDER BY steps DESC
WITH x, collect({steps: steps, farthest: farthest})[0] AS one
RETURN x.name AS name, x.digest AS digest, x.id AS id, one.steps AS steps, one.farthest AS farthest
ORDER BY steps DESC, name, id
