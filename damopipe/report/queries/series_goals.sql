-- How near the goals of quotas were to their targets, in percent; of several records in one step the mean.
SELECT
  name || ': ' || metric AS line,
  min(epoch_ns(ts) - $first_ns) / 1e9 AS from_seconds,
  max(epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
  avg(achieved) * 100 AS value,
  count(*) AS steps
FROM goal_progress
WHERE run_id = $run AND achieved IS NOT NULL
GROUP BY line, floor((epoch_ns(ts) - $first_ns) / 1e9 / $width)
ORDER BY line, seconds
