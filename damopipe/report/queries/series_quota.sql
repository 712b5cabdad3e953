-- How much of its quota each scheme used, for one reset interval; of several records in one step the mean.
WITH steps AS (
  SELECT
    scheme_id,
    name AS panel,
    (epoch_ns(lag(ts) OVER (PARTITION BY scheme_id ORDER BY ts)) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
    limit_bytes,
    effective_quota_bytes,
    tried_bytes_per_interval
  FROM quota_use
  WHERE run_id = $run
),
lines AS (
  SELECT scheme_id, panel, 'tried' AS line, from_seconds, seconds, tried_bytes_per_interval AS value FROM steps
  UNION ALL SELECT scheme_id, panel, 'allowed now', from_seconds, seconds, effective_quota_bytes::DOUBLE FROM steps
  UNION ALL SELECT scheme_id, panel, 'limit', from_seconds, seconds, limit_bytes::DOUBLE FROM steps
)
SELECT
  scheme_id,
  panel,
  line,
  min(from_seconds) AS from_seconds,
  max(seconds) AS seconds,
  avg(value) AS value,
  count(*) AS steps
FROM lines
WHERE value IS NOT NULL AND scheme_id IN (
  SELECT scheme_id FROM quota_use WHERE run_id = $run AND coalesce(limit_bytes, effective_quota_bytes, 0) > 0
)
GROUP BY scheme_id, panel, line, floor(lines.seconds / $width)
ORDER BY scheme_id, line DESC, seconds
