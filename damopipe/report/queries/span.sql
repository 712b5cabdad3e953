-- The time that a run covers, in ns: from the start of its first aggregation, where it has any.
WITH aggregations AS (
  SELECT min(epoch_ns(coalesce(start_ts, ts))) AS first_ns, max(epoch_ns(ts)) AS last_ns FROM snapshot WHERE run_id = $run
),
beside AS (
  SELECT min(epoch_ns(ts)) AS first_ns, max(epoch_ns(ts)) AS last_ns
  FROM (
    SELECT ts FROM scheme_stat WHERE run_id = $run
    UNION ALL SELECT ts FROM idle_percentile WHERE run_id = $run
    UNION ALL SELECT ts FROM counter WHERE run_id = $run
    UNION ALL SELECT ts FROM process WHERE run_id = $run
  )
)
SELECT
  coalesce(a.first_ns, b.first_ns, epoch_ns(r.started_at))::BIGINT AS first_ns,
  coalesce(greatest(a.last_ns, b.last_ns), epoch_ns(r.ended_at), epoch_ns(r.started_at))::BIGINT AS last_ns
FROM run AS r, aggregations AS a, beside AS b
WHERE r.run_id = $run
