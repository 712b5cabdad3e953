-- Resident memory of the targets' processes together.
WITH sorted AS (
  SELECT list(rss_bytes ORDER BY rss_bytes) AS sizes
  FROM (SELECT sum(rss_bytes)::UBIGINT AS rss_bytes FROM process WHERE run_id = $run AND role = 'target' GROUP BY ts)
  WHERE rss_bytes IS NOT NULL
)
SELECT sizes[floor(len(sizes) * 0.5)::BIGINT + 1] AS resident_p50, sizes[-1] AS resident_max
FROM sorted
WHERE sizes IS NOT NULL;
