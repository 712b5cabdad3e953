-- The areas of memory that were accessed over the run, hottest first.
SELECT t.name AS target, h.start_addr, h.end_addr, h.size_bytes::DOUBLE AS size_bytes, h.access_rate, h.watched_share, h.name AS mapping
FROM hottest_regions AS h
JOIN target AS t USING (run_id, target_id)
WHERE h.run_id = $run
ORDER BY h.access_rate * h.access_rate * h.watched_share * h.size_bytes DESC, h.start_addr
LIMIT $rows
