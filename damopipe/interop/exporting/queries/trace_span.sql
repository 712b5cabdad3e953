-- The earliest time of anything of a run.
SELECT min(ns) AS first_ns
FROM (
  SELECT epoch_ns(min(coalesce(start_ts, ts))) AS ns FROM snapshot WHERE run_id = $run
  UNION ALL SELECT epoch_ns(min(ts)) FROM process WHERE run_id = $run
  UNION ALL SELECT epoch_ns(min(ts)) FROM scheme_stat WHERE run_id = $run
  UNION ALL SELECT epoch_ns(min(ts)) FROM counter WHERE run_id = $run
);
