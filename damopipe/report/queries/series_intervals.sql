-- The aggregation interval in force, where it changed; of several snapshots in one step the longest.
SELECT
  target_id,
  'aggregation interval' AS line,
  min(epoch_ns(start_ts) - $first_ns) / 1e9 AS from_seconds,
  max(epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
  max(aggr_us) / 1e6 AS value,
  count(*) AS steps
FROM snapshot
WHERE run_id = $run AND aggr_us > 0 AND target_id IN (
  SELECT target_id FROM snapshot WHERE run_id = $run GROUP BY target_id HAVING min(aggr_us) < max(aggr_us)
)
GROUP BY target_id, floor((epoch_ns(ts) - $first_ns) / 1e9 / $width)
ORDER BY target_id, seconds
