// Remove what came from objects that were erased, and remember that they were.
// Parameters: rows (list of [object, project of the tombstone])
// Columns: subjects (the names that lost a title)
UNWIND $rows AS row
MERGE (e:LedgerErased {id: row[0]})
ON CREATE SET e.project = row[1]
WITH collect(row[0]) AS objects
OPTIONAL MATCH (n:LedgerSaid) WHERE n._object IN objects
WITH collect(n) AS gone, collect(DISTINCT n.subject) AS subjects
FOREACH (n IN gone | DETACH DELETE n)
RETURN subjects
