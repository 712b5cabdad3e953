-- Every snapshot of a run and how many regions it really has; $target NULL is every target.
SELECT
  s.target_id,
  t.context_id,
  epoch_ns(s.ts) AS ns,
  epoch_ns(s.start_ts) AS start_ns,
  s.sample_us,
  s.aggr_us,
  s.nr_samples,
  coalesce(r.regions, 0) AS regions
FROM snapshot AS s
JOIN target AS t USING (run_id, target_id)
LEFT JOIN (
  SELECT run_id, target_id, ts, count(*) AS regions FROM _region WHERE run_id = $run GROUP BY ALL
) AS r USING (run_id, target_id, ts)
WHERE s.run_id = $run AND ($target IS NULL OR s.target_id = $target)
QUALIFY row_number() OVER (PARTITION BY s.target_id, s.ts) = 1
ORDER BY s.ts, t.context_id, s.target_id;
