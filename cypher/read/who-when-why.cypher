// Who produced what, when, and why: the runs behind a name, with their commands and notes.
// Parameters:
//   name (text, default ""): what was produced, or a directory's name; "" takes everything
// Columns:
//   name: what was produced
//   digest: which version
//   user: who ran it
//   host: on which machine
//   started: when the run began
//   status: how it ended
//   command: what was typed
//   note: what somebody noted about the product or the run; a row for each note
//   run: the run
// Portable: yes
//
// What was erased (user, host, command, notes) is empty here.
MATCH (r:Run)-[:PRODUCES]->(x)
WHERE $name = '' OR x.name = $name OR x.name STARTS WITH ($name + '/')
OPTIONAL MATCH (r)-[:BY]->(who:Agent)
OPTIONAL MATCH (r)-[:RAN]->(c:Command)
OPTIONAL MATCH (n:Note)-[:ABOUT]->(about)
WHERE about.id = r.id OR about.id = x.id
RETURN x.name AS name, x.digest AS digest, who.user AS user, who.host AS host,
  r.started AS started, r.status AS status, c.text AS command, n.text AS note, r.id AS run
ORDER BY started, run, name, note
