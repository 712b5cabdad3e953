-- How long memory had been idle, as DAMON_STAT told it: a quarter, half and most of it no longer than that.
WITH told AS (
  SELECT
    (epoch_ns(lag(ts) OVER (ORDER BY ts)) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
    idle_p25_ms AS "a quarter of memory",
    idle_p50_ms AS "half",
    idle_p75_ms AS "three quarters",
    idle_p95_ms AS "95%"
  FROM damon_stat
  WHERE run_id = $run
),
lines AS (
  UNPIVOT told ON COLUMNS(* EXCLUDE (from_seconds, seconds)) INTO NAME line VALUE idle_ms
)
SELECT line, min(from_seconds) AS from_seconds, max(seconds) AS seconds, max(idle_ms) / 1e3 AS value, count(*) AS steps
FROM lines
GROUP BY line, floor(lines.seconds / $width)
ORDER BY line, seconds
