-- The share of time for which tasks waited for memory; of several records in one step the mean.
WITH waited AS (
  SELECT
    name,
    epoch_ns(lag(ts) OVER one) AS from_ns,
    epoch_ns(ts) AS ns,
    value - lag(value) OVER one AS waited_us
  FROM counter
  WHERE run_id = $run AND name IN ('pressure.memory.some_us', 'pressure.memory.full_us')
  WINDOW one AS (PARTITION BY name ORDER BY ts)
)
SELECT
  CASE name WHEN 'pressure.memory.some_us' THEN 'some tasks waited' ELSE 'all tasks waited' END AS line,
  min(from_ns - $first_ns) / 1e9 AS from_seconds,
  max(ns - $first_ns) / 1e9 AS seconds,
  sum(waited_us) / sum((ns - from_ns) / 1e3) * 100 AS value,
  count(*) AS steps
FROM waited
WHERE ns > from_ns
GROUP BY name, floor((ns - $first_ns) / 1e9 / $width)
ORDER BY line DESC, seconds
