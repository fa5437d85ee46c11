// List the constraints and indexes that are there and can be used.
// Parameters: none
// Columns: name
SHOW INDEXES YIELD name, state
WHERE state = 'ONLINE' AND name STARTS WITH 'provgraph_'
RETURN name
