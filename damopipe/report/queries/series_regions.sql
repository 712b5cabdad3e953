-- How many regions each snapshot has; of several in one step the most.
SELECT
  target_id,
  'regions' AS line,
  min(epoch_ns(start_ts) - $first_ns) / 1e9 AS from_seconds,
  max(epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
  max(nr_regions)::DOUBLE AS value,
  count(*) AS steps
FROM snapshot
WHERE run_id = $run AND nr_regions > 0
GROUP BY target_id, floor((epoch_ns(ts) - $first_ns) / 1e9 / $width)
ORDER BY target_id, seconds
