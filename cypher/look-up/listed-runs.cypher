// Give the keys of runs, newest first.
// Parameters: project, step, status (text, or null for all), since, until (ns since 1970, or null),
//   limit (integer)
// Columns: keys (one list)
MATCH (r:Run)
WHERE r._known > 0
  AND ($project IS NULL OR r.project = $project)
  AND ($step IS NULL OR r.step = $step OR r.name = $step)
  AND ($status IS NULL OR r.status = $status)
  AND ($since IS NULL OR r._started >= $since)
  AND ($until IS NULL OR r._started <= $until)
WITH r ORDER BY r._ended DESC, r.id DESC LIMIT $limit
RETURN collect(r._key) AS keys
