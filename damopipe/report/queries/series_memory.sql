-- The working set beside what was watched and what was resident, over time; of several in one step the largest.
WITH accessed AS (
  SELECT
    w.target_id,
    (epoch_ns(coalesce(s.start_ts, lag(w.ts) OVER one)) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(w.ts) - $first_ns) / 1e9 AS seconds,
    w.accessed_bytes,
    w.watched_bytes
  FROM working_set AS w
  JOIN snapshot AS s USING (run_id, target_id, ts)
  WHERE w.run_id = $run
  WINDOW one AS (PARTITION BY w.target_id ORDER BY w.ts)
),
resident AS (
  SELECT
    t.target_id,
    (epoch_ns(lag(p.ts) OVER (PARTITION BY t.target_id ORDER BY p.ts)) - $first_ns) / 1e9 AS from_seconds,
    (epoch_ns(p.ts) - $first_ns) / 1e9 AS seconds,
    p.rss_bytes,
    p.swap_bytes,
    p.vsz_bytes
  FROM target AS t
  JOIN process AS p ON p.run_id = t.run_id AND p.pid = t.pid AND p.role = 'target'
  WHERE t.run_id = $run
),
lines AS (
  SELECT target_id, 'working set' AS line, from_seconds, seconds, accessed_bytes::DOUBLE AS value FROM accessed
  UNION ALL SELECT target_id, 'resident (RSS)', from_seconds, seconds, rss_bytes::DOUBLE FROM resident
  UNION ALL SELECT target_id, 'swapped out', from_seconds, seconds, swap_bytes::DOUBLE FROM resident
  UNION ALL SELECT target_id, 'watched', from_seconds, seconds, watched_bytes::DOUBLE FROM accessed
  UNION ALL SELECT target_id, 'mapped (VSZ)', from_seconds, seconds, vsz_bytes::DOUBLE FROM resident
)
SELECT target_id, line, min(from_seconds) AS from_seconds, max(seconds) AS seconds, max(value) AS value, count(*) AS steps
FROM lines
WHERE value IS NOT NULL
GROUP BY target_id, line, floor(lines.seconds / $width)
ORDER BY target_id, line, seconds
