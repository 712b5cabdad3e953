-- How much of one processor the targets, the kdamonds and damopipe itself took; of several records in one step the mean.
WITH spent AS (
  SELECT
    role,
    pid,
    epoch_ns(lag(ts) OVER one) AS from_ns,
    epoch_ns(ts) AS ns,
    cpu_user_us + cpu_system_us - lag(cpu_user_us + cpu_system_us) OVER one AS busy_us
  FROM process
  WHERE run_id = $run AND cpu_user_us + cpu_system_us IS NOT NULL
  WINDOW one AS (PARTITION BY role, pid ORDER BY ts)
),
each AS (
  SELECT
    role,
    pid,
    floor((ns - $first_ns) / 1e9 / $width) AS step,
    min(from_ns - $first_ns) / 1e9 AS from_seconds,
    max(ns - $first_ns) / 1e9 AS seconds,
    sum(busy_us) / sum((ns - from_ns) / 1e3) * 100 AS percent
  FROM spent
  WHERE ns > from_ns
  GROUP BY ALL
)
SELECT
  CASE role WHEN 'self' THEN 'damopipe' WHEN 'kdamond' THEN 'kdamonds' ELSE 'targets' END AS line,
  min(from_seconds) AS from_seconds,
  max(seconds) AS seconds,
  sum(percent) AS value,
  count(*) AS steps
FROM each
GROUP BY line, step
ORDER BY line, seconds
