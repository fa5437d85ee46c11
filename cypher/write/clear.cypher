// Forget a project's graph; the records' bodies stay, and can fill it again.
// Parameters: project (text, or null for everything)
// Columns: none
MATCH (n)
WHERE (n:Vertex OR n:LedgerSaid OR n:Metric OR n:Gap OR n:LedgerPin OR n:LedgerErased)
  AND ($project IS NULL OR n.project = $project OR n.project IS NULL AND NOT EXISTS {
    MATCH (n)--(other) WHERE other.project <> $project
  })
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS
