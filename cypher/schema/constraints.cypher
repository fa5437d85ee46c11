// Lay out what keeps the graph whole and its look-ups quick; twice is once.
// A vertex is a run or an artefact. Without these, concurrent MERGE would make doubles.
// Parameters: none
// Columns: none
CREATE CONSTRAINT provgraph_vertex_key IF NOT EXISTS FOR (v:Vertex) REQUIRE v._key IS UNIQUE;
CREATE CONSTRAINT provgraph_run_id IF NOT EXISTS FOR (r:Run) REQUIRE r.id IS UNIQUE;
CREATE CONSTRAINT provgraph_artefact_id IF NOT EXISTS FOR (a:Artefact) REQUIRE a.id IS UNIQUE;
CREATE CONSTRAINT provgraph_agent_id IF NOT EXISTS FOR (n:Agent) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_command_id IF NOT EXISTS FOR (n:Command) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_parameter_id IF NOT EXISTS FOR (n:Parameter) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_metric_id IF NOT EXISTS FOR (n:Metric) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_note_id IF NOT EXISTS FOR (n:Note) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_gap_id IF NOT EXISTS FOR (n:Gap) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_member_id IF NOT EXISTS FOR (n:LedgerMember) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_chunk_id IF NOT EXISTS FOR (n:LedgerChunk) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_layout IF NOT EXISTS FOR (n:LedgerLayout) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_title_id IF NOT EXISTS FOR (n:LedgerTitle) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_pin_id IF NOT EXISTS FOR (n:LedgerPin) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT provgraph_erased_id IF NOT EXISTS FOR (n:LedgerErased) REQUIRE n.id IS UNIQUE;
CREATE INDEX provgraph_artefact_name IF NOT EXISTS FOR (a:Artefact) ON (a.name);
CREATE INDEX provgraph_artefact_tail IF NOT EXISTS FOR (a:Artefact) ON (a._tail);
CREATE INDEX provgraph_artefact_digest IF NOT EXISTS FOR (a:Artefact) ON (a.digest);
CREATE INDEX provgraph_artefact_class IF NOT EXISTS FOR (a:Artefact) ON (a._class);
CREATE INDEX provgraph_artefact_shared IF NOT EXISTS FOR (a:Artefact) ON (a._shared);
CREATE INDEX provgraph_run_step IF NOT EXISTS FOR (r:Run) ON (r.project, r.step, r._ended);
CREATE INDEX provgraph_run_name IF NOT EXISTS FOR (r:Run) ON (r.name);
CREATE INDEX provgraph_member_run IF NOT EXISTS FOR (m:LedgerMember) ON (m.run);
CREATE INDEX provgraph_member_path IF NOT EXISTS FOR (m:LedgerMember) ON (m.path);
CREATE INDEX provgraph_member_folder IF NOT EXISTS FOR (m:LedgerMember) ON (m.folder, m.kind);
CREATE INDEX provgraph_title_subject IF NOT EXISTS FOR (t:LedgerTitle) ON (t.subject);
CREATE INDEX provgraph_title_object IF NOT EXISTS FOR (t:LedgerTitle) ON (t._object);
CREATE INDEX provgraph_said_object IF NOT EXISTS FOR (n:LedgerSaid) ON (n._object);
CREATE INDEX provgraph_note_subject IF NOT EXISTS FOR (n:Note) ON (n._subject);
CREATE INDEX provgraph_inferred IF NOT EXISTS FOR ()-[d:DEPENDS_ON]-() ON (d._inferred);
