// Take away the edges that rules added to a project's graph: they follow from all its records.
// Parameters: project (text)
// Columns: none
MATCH (effect:Vertex)-[d:DEPENDS_ON]->(:Vertex)
WHERE d._inferred = true AND effect.project = $project
DELETE d
