-- The system's memory; of several records in one step the last.
WITH steps AS (
  SELECT
    CASE name
      WHEN 'meminfo.MemAvailable' THEN 'available' WHEN 'meminfo.MemFree' THEN 'free' WHEN 'meminfo.Cached' THEN 'page cache'
      WHEN 'meminfo.AnonHugePages' THEN 'anonymous huge pages' ELSE 'free swap'
    END AS line,
    (epoch_ns(lag(ts) OVER (PARTITION BY name ORDER BY ts)) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(ts) - $first_ns) / 1e9 AS seconds,
    value AS bytes
  FROM counter
  WHERE run_id = $run
    AND name IN ('meminfo.MemAvailable', 'meminfo.MemFree', 'meminfo.Cached', 'meminfo.AnonHugePages', 'meminfo.SwapFree')
)
SELECT
  line,
  min(from_seconds) AS from_seconds,
  max(seconds) AS seconds,
  max_by(bytes, seconds)::DOUBLE AS value,
  count(*) AS steps
FROM steps
GROUP BY line, floor(steps.seconds / $width)
ORDER BY line, seconds
