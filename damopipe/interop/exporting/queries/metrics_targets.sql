-- Of each target: its working set, what was watched, its regions; percentiles as in wss_percentiles, one of the values.
WITH sorted AS (
  SELECT
    target_id,
    count(*) AS snapshots,
    avg(w.accessed_bytes)::DOUBLE AS accessed_mean,
    list(w.accessed_bytes ORDER BY w.accessed_bytes) FILTER (WHERE w.accessed_bytes IS NOT NULL) AS accessed,
    list(w.watched_bytes ORDER BY w.watched_bytes) AS watched,
    list(s.nr_regions ORDER BY s.nr_regions) FILTER (WHERE s.nr_regions IS NOT NULL) AS regions
  FROM working_set AS w
  JOIN snapshot AS s USING (run_id, target_id, ts)
  WHERE run_id = $run
  GROUP BY target_id
)
SELECT
  target_id,
  snapshots,
  accessed[floor(len(accessed) * 0.5)::BIGINT + 1] AS accessed_p50,
  accessed[floor(len(accessed) * 0.95)::BIGINT + 1] AS accessed_p95,
  accessed[-1] AS accessed_max,
  accessed_mean,
  watched[floor(len(watched) * 0.5)::BIGINT + 1] AS watched_p50,
  watched[-1] AS watched_max,
  regions[floor(len(regions) * 0.5)::BIGINT + 1] AS regions_p50,
  regions[-1] AS regions_max
FROM sorted
ORDER BY target_id;
