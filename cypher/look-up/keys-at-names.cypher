// Give the keys of the artefacts at names.
// Parameters: names (list of text)
// Columns: key
UNWIND $names AS name
MATCH (a:Artefact {name: name})
RETURN a._key AS key
