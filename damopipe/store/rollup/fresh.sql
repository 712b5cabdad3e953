-- The snapshots of a run that are to be rolled up next: whole minutes, of $at_most regions or a little more. Those of the
-- last minute of a run that goes on have to wait, as their regions may be on their way.
CREATE OR REPLACE TEMP TABLE rollup_fresh AS
WITH spans AS (
  SELECT
    run_id,
    target_id,
    ts,
    epoch_ns(coalesce(start_ts, lag(ts) OVER (PARTITION BY target_id ORDER BY ts))) AS t0,
    epoch_ns(ts) AS t1,
    nr_samples,
    nr_regions
  FROM snapshot
  WHERE run_id = $run
),
fresh AS (
  SELECT *
  FROM spans AS s
  ANTI JOIN _rollup_snapshot AS d USING (run_id, target_id, ts)
  WHERE t1 < coalesce(
    (SELECT max(epoch_ns(ts)) - 60_000_000_000 FROM snapshot JOIN run USING (run_id) WHERE run_id = $run AND status = 'running'),
    9223372036854775807
  )
),
minutes AS (
  SELECT t1 // 60_000_000_000 AS minute, sum(sum(nr_regions)) OVER (ORDER BY t1 // 60_000_000_000) - sum(nr_regions) AS regions_before
  FROM fresh
  GROUP BY minute
)
SELECT f.target_id, f.ts, f.t0, f.t1, f.nr_samples
FROM fresh AS f
JOIN minutes AS m ON m.minute = f.t1 // 60_000_000_000
WHERE m.regions_before < $at_most;
