-- What each scheme tried and applied a second; of several records in one step the mean.
WITH steps AS (
  SELECT
    scheme_id,
    name || ' (' || action || ')' AS panel,
    (coalesce(lag(epoch_ns(ts)) OVER one, $first_ns) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
    tried_bytes,
    applied_bytes
  FROM scheme_effect
  WHERE run_id = $run
  WINDOW one AS (PARTITION BY scheme_id ORDER BY ts)
),
lines AS (
  SELECT scheme_id, panel, 'tried' AS line, from_seconds, seconds, tried_bytes AS bytes FROM steps
  UNION ALL SELECT scheme_id, panel, 'applied', from_seconds, seconds, applied_bytes FROM steps
)
SELECT
  scheme_id,
  panel,
  line,
  min(from_seconds) AS from_seconds,
  max(seconds) AS seconds,
  sum(bytes) / nullif(sum(seconds - from_seconds), 0) AS value,
  count(*) AS steps
FROM lines
WHERE bytes IS NOT NULL AND seconds > from_seconds
GROUP BY scheme_id, panel, line, floor(lines.seconds / $width)
ORDER BY scheme_id, line DESC, seconds
