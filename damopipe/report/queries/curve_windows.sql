-- The working set by how long one looks: a byte counts that was accessed within the window.
WITH sizes AS MATERIALIZED (
  FROM wss_by_window($run)
)
SELECT target_id, line, window_us / 1e6 AS x, value
FROM (
  SELECT target_id, window_us, 'mostly (p50)' AS line, 1 AS place, p50_bytes::DOUBLE AS value FROM sizes
  UNION ALL SELECT target_id, window_us, 'p95', 2, p95_bytes FROM sizes
  UNION ALL SELECT target_id, window_us, 'at most', 3, max_bytes FROM sizes
)
ORDER BY target_id, place, x
