// Give the bodies of the records of runs that have several.
// Parameters: runs (list of text: run ids)
// Columns: run, name, body
UNWIND $runs AS run
MATCH (m:LedgerMember {run: run})
WITH run, m.name AS name, head(collect(m.body)) AS body
WITH run, collect([name, body]) AS bodies
WHERE size(bodies) > 1
UNWIND bodies AS one
RETURN run, one[0] AS name, one[1] AS body
