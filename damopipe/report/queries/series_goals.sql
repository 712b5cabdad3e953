-- How near the goals of quotas were to their targets, in percent; of several records in one step the mean.
WITH steps AS (
  SELECT
    name || ': ' || metric AS line,
    (epoch_ns(lag(ts) OVER (PARTITION BY scheme_id, goal ORDER BY ts)) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
    achieved
  FROM goal_progress
  WHERE run_id = $run AND achieved IS NOT NULL
)
SELECT line, min(from_seconds) AS from_seconds, max(seconds) AS seconds, avg(achieved) * 100 AS value, count(*) AS steps
FROM steps
GROUP BY line, floor(steps.seconds / $width)
ORDER BY line, seconds
