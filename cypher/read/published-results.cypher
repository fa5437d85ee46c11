// Results that somebody holds on to, and how they were made.
// Parameters: none
// Columns:
//   name: the result
//   pinned: pinned or published
//   digest: which version
//   step: the step that made it
//   run: its run
//   status: how that ended
//   commit: the git commit
//   dirty: whether the working tree had changes that weren't committed
// Portable: yes
MATCH (x)
WHERE x.pinned IN ['pinned', 'published']
OPTIONAL MATCH (r:Run)-[:PRODUCES]->(x)
RETURN x.name AS name, x.pinned AS pinned, x.digest AS digest, r.name AS step, r.id AS run,
  r.status AS status, r.commit AS commit, r.dirty AS dirty
ORDER BY name, digest, run
