// Give the newest record of a run.
// Parameters: run (text: its id)
// Columns: name, body
MATCH (m:LedgerMember {run: $run})
WHERE m.projected
RETURN m.name AS name, m.body AS body ORDER BY m.version DESC LIMIT 1
