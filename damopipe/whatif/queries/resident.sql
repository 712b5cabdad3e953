-- How much memory the targets of a run held, over time; no rows where that was not recorded.
SELECT ts, sum(rss_bytes::DOUBLE) AS rss_bytes
FROM process
WHERE run_id = $run AND role = 'target' AND rss_bytes IS NOT NULL
GROUP BY ts
ORDER BY ts
