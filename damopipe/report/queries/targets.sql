-- Each target of a run: how it was watched, its working set, and its memory.
WITH watched AS (
  SELECT
    target_id,
    count(*) AS snapshots,
    min(sample_us) AS least_sample_us,
    max(sample_us) AS most_sample_us,
    min(aggr_us) AS least_aggr_us,
    max(aggr_us) AS most_aggr_us,
    max(nr_regions) AS most_regions,
    sum(lost_events)::DOUBLE AS lost_events
  FROM snapshot
  WHERE run_id = $run
  GROUP BY target_id
),
sizes AS (
  SELECT
    target_id,
    max(accessed_bytes) FILTER (WHERE percentile = 50)::DOUBLE AS p50_bytes,
    max(accessed_bytes) FILTER (WHERE percentile = 95)::DOUBLE AS p95_bytes,
    max(accessed_bytes)::DOUBLE AS max_bytes
  FROM wss_percentiles($run)
  GROUP BY target_id
),
shares AS (
  SELECT
    target_id,
    max(watched_bytes)::DOUBLE AS watched_bytes,
    median(1 - accessed_bytes / nullif(watched_bytes, 0)::DOUBLE) * 100 AS idle_percent
  FROM working_set
  WHERE run_id = $run
  GROUP BY target_id
),
resident AS (
  SELECT t.target_id, max(p.rss_bytes)::DOUBLE AS rss_bytes, max(p.swap_bytes)::DOUBLE AS swap_bytes
  FROM target AS t
  JOIN process AS p ON p.run_id = t.run_id AND p.pid = t.pid AND p.role = 'target'
  WHERE t.run_id = $run
  GROUP BY t.target_id
)
SELECT
  t.target_id,
  t.name,
  t.kind,
  t.pid,
  t.command,
  c.operations,
  c.min_nr_regions,
  c.max_nr_regions,
  w.* EXCLUDE (target_id),
  z.* EXCLUDE (target_id),
  s.* EXCLUDE (target_id),
  p.* EXCLUDE (target_id)
FROM target AS t
LEFT JOIN context AS c USING (run_id, context_id)
LEFT JOIN watched AS w USING (target_id)
LEFT JOIN sizes AS z USING (target_id)
LEFT JOIN shares AS s USING (target_id)
LEFT JOIN resident AS p USING (target_id)
WHERE t.run_id = $run
ORDER BY t.target_id
