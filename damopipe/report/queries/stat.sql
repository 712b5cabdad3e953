-- What DAMON_STAT told of the machine's memory, over the whole run.
SELECT
  avg(in_use_percent) AS in_use_percent,
  median(idle_p50_ms) / 1e3 AS half_idle_s,
  median(idle_p95_ms) / 1e3 AS most_idle_s,
  avg(bandwidth_bytes_per_s) AS bandwidth_bytes_per_s
FROM damon_stat
WHERE run_id = $run
HAVING count(*) > 0
