-- What import says of a run that was taken in.
SELECT
  count(*) AS snapshots,
  (SELECT count(*) FROM _region WHERE run_id = $run) AS regions,
  epoch_ns(min(ts)) AS first_ns,
  epoch_ns(max(ts)) AS last_ns,
  count(nr_samples) > 0 AS has_rates
FROM snapshot
WHERE run_id = $run;
