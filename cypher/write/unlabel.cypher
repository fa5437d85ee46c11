// Take a label from artefacts that turned out to be of another kind.
// Parameters: keys (list of integer), label (text)
// Columns: none
UNWIND $keys AS key
MATCH (a:Vertex {_key: key})
USING INDEX a:Vertex(_key)
REMOVE a:$($label)
