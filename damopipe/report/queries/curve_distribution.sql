-- The working set by percentile of the snapshots.
SELECT target_id, 'working set' AS line, percentile AS x, accessed_bytes::DOUBLE AS value
FROM wss_percentiles($run, step := 1)
ORDER BY target_id, x
