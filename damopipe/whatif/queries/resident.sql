-- How much memory the targets of a run held, as a mean over time; NULL where that was not recorded.
SELECT avg(rss_bytes)::DOUBLE AS rss_bytes
FROM (SELECT ts, sum(rss_bytes::DOUBLE) AS rss_bytes FROM process WHERE run_id = $run AND role = 'target' GROUP BY ts)
