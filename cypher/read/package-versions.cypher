// Which versions of a package runs have touched, and how many runs each.
// Parameters:
//   package (text, required): the package's name, as numpy
// Columns:
//   version: the version, as it was recorded
//   runs: how many runs touched it
//   first: when the first of them began
//   last: when the last of them began
// Portable: yes
MATCH (r:Run)-[u:USES]->(e)
UNWIND u.touched AS part
WITH r, part
WHERE part STARTS WITH ($package + '=v:')
WITH replace(part, $package + '=v:', '') AS version, r
RETURN version, count(DISTINCT r.id) AS runs, min(r.started) AS first, max(r.started) AS last
ORDER BY first, version
