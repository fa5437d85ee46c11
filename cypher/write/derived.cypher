// Say of artefacts what follows from other records: title, pin, when they were made or first read.
// Parameters: keys (list of integer)
// Columns: none
UNWIND $keys AS key
MATCH (a:Vertex {_key: key})
USING INDEX a:Vertex(_key)
WHERE a:Artefact AND a._known > 0
OPTIONAL MATCH (m:Vertex {_key: coalesce(a._maker, a._attributed)})
USING INDEX m:Vertex(_key)
WHERE m._known > 0 AND m._ended > 0
WITH a, m,
  COLLECT {
    MATCH (t:LedgerTitle {subject: a.name}) WHERE t.project = a.project
    RETURN t.text ORDER BY t.at DESC, t.text DESC LIMIT 1
  } AS titles,
  COLLECT {
    MATCH (p:LedgerPin {id: a.project + ' ' + a.digest + ' ' + a.name}) WHERE p.said <> 'none'
    RETURN p.said
  } AS pins
SET a.title = coalesce(head(titles), a.name),
  a.pinned = head(pins),
  a.time = coalesce(m.ended, a._first_read_text)
