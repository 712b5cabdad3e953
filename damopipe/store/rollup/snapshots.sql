-- What is told of each snapshot in rollup_fresh; last, since from then on they count as rolled up.
INSERT INTO _rollup_snapshot
SELECT
  $run,
  f.target_id,
  f.ts,
  w.accessed_bytes,
  nullif(w.watched_bytes, 0),
  n.nr_regions,
  n.smallest_bytes,
  n.median_bytes,
  n.largest_bytes,
  b.bandwidth_bytes_per_s
FROM rollup_fresh AS f
JOIN (FROM working_set WHERE run_id = $run) AS w USING (target_id, ts)
JOIN (FROM nr_regions WHERE run_id = $run) AS n USING (target_id, ts)
JOIN (FROM bandwidth WHERE run_id = $run) AS b USING (target_id, ts)
ORDER BY f.target_id, f.ts;
