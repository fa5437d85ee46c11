"""How records are put into the SQLite index: twice is once, in any order."""

PUT_RUN = """
INSERT INTO run(key, id, known, project, step, label, way, status, started, ended, started_text,
                seconds, tracing, complete, within, version)
VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(key) DO UPDATE SET
  known = 1, project = excluded.project, step = excluded.step, label = excluded.label,
  way = excluded.way, status = excluded.status, started = excluded.started,
  ended = excluded.ended, started_text = excluded.started_text, seconds = excluded.seconds,
  tracing = excluded.tracing, complete = excluded.complete, within = excluded.within,
  version = excluded.version
WHERE excluded.version > version"""

# One statement with `projection.joined`: the same rules, in SQL.
PUT_GENERATION = """
INSERT INTO generation(key, id, known, project, name, digest, maker, maker_step, size, kind,
                       first_read, append, parts, before, stands_in, class)
VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(key) DO UPDATE SET
  known = 1, project = excluded.project, name = excluded.name, digest = excluded.digest,
  maker = ifnull(maker, excluded.maker),
  maker_step = CASE
    WHEN maker_step IS NULL THEN excluded.maker_step WHEN excluded.maker_step IS NULL
    THEN maker_step WHEN (SELECT text FROM word WHERE key = excluded.maker_step)
      < (SELECT text FROM word WHERE key = maker_step) THEN excluded.maker_step ELSE maker_step END,
  kind = CASE
    WHEN kind IS NULL THEN excluded.kind WHEN excluded.kind IS NULL THEN kind
    WHEN (SELECT text FROM word WHERE key = excluded.kind)
      < (SELECT text FROM word WHERE key = kind) THEN excluded.kind ELSE kind END,
  size = max(ifnull(size, excluded.size), ifnull(excluded.size, size)),
  first_read = min(
    ifnull(first_read, excluded.first_read), ifnull(excluded.first_read, first_read)),
  append = max(append, excluded.append),
  parts = max(parts, excluded.parts),
  before = ifnull(before, excluded.before),
  class = CASE WHEN stands_in IS NULL AND excluded.stands_in IS NOT NULL
               THEN excluded.class ELSE class END,
  stands_in = ifnull(stands_in, excluded.stands_in)"""

REFER_RUN = "INSERT OR IGNORE INTO run(key, id) VALUES (?, ?)"
PUT_USE = (
    "INSERT OR IGNORE INTO uses(run, generation, role, evidence, touched) VALUES (?, ?, ?, ?, ?)"
)
PUT_PRODUCE = (
    "INSERT OR IGNORE INTO produces(run, generation, role, evidence, stated) VALUES (?, ?, ?, ?, ?)"
)
STATE_PRODUCE = (
    "UPDATE produces SET role = ?3, evidence = ?4, stated = 1"
    " WHERE run = ?1 AND generation = ?2 AND stated = 0"
)
PUT_SAID = "INSERT OR IGNORE INTO {table}(subject, text, at, object) VALUES (?, ?, ?, ?)"
PUT_PIN = """
INSERT INTO pin(name, digest, said, version) VALUES (?, ?, ?, ?)
ON CONFLICT(name, digest) DO UPDATE SET said = excluded.said, version = excluded.version
WHERE excluded.version > version"""
