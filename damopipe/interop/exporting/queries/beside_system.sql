-- Memory of the system in KiB, where all of it is known.
SELECT
  epoch_ns(ts) AS ns,
  max(value) FILTER (WHERE name = 'meminfo.MemTotal') // 1024 AS total,
  max(value) FILTER (WHERE name = 'meminfo.MemFree') // 1024 AS free,
  max(value) FILTER (WHERE name = 'meminfo.MemAvailable') // 1024 AS available,
  max(value) FILTER (WHERE name = 'meminfo.Buffers') // 1024 AS buffers,
  max(value) FILTER (WHERE name = 'meminfo.Cached') // 1024 AS cached
FROM counter
WHERE run_id = $run
GROUP BY ts
HAVING total IS NOT NULL AND free IS NOT NULL AND available IS NOT NULL AND buffers IS NOT NULL AND cached IS NOT NULL
ORDER BY ts;
