-- The system's memory; of several records in one step the last.
SELECT
  CASE name
    WHEN 'meminfo.MemAvailable' THEN 'available' WHEN 'meminfo.MemFree' THEN 'free' WHEN 'meminfo.Cached' THEN 'page cache'
    WHEN 'meminfo.AnonHugePages' THEN 'anonymous huge pages' ELSE 'free swap'
  END AS line,
  min(epoch_ns(ts) - $first_ns) / 1e9 AS from_seconds,
  max(epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
  max_by(value, ts)::DOUBLE AS value,
  count(*) AS steps
FROM counter
WHERE run_id = $run
  AND name IN ('meminfo.MemAvailable', 'meminfo.MemFree', 'meminfo.Cached', 'meminfo.AnonHugePages', 'meminfo.SwapFree')
GROUP BY name, floor((epoch_ns(ts) - $first_ns) / 1e9 / $width)
ORDER BY line, seconds
