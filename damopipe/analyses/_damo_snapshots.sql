-- The snapshots of a run as damo counts and times them.
-- requires: nothing
-- number counts a target's snapshots from 0. Without a start (events have only ends) one begins where the one before ended,
-- the first a mean distance before its end. Times are of the recording's own clock, as damo prints them.
CREATE OR REPLACE MACRO _damo_snapshots(run, target := NULL) AS TABLE
WITH numbered AS (
  SELECT
    target_id,
    ts,
    epoch_ns(ts) AS at_ns,
    epoch_ns(start_ts) AS began_ns,
    lag(epoch_ns(ts)) OVER in_time AS before_ns,
    row_number() OVER in_time - 1 AS number,
    ((max(epoch_ns(ts)) OVER whole - min(epoch_ns(ts)) OVER whole) // greatest(count(*) OVER whole - 1, 1))::BIGINT AS mean_ns,
    sample_us,
    aggr_us
  FROM snapshot
  WHERE run_id = run AND (target IS NULL OR target_id = target)
  WINDOW in_time AS (PARTITION BY target_id ORDER BY ts), whole AS (PARTITION BY target_id)
)
SELECT
  n.target_id,
  n.ts,
  n.number::BIGINT AS number,
  coalesce(n.began_ns, n.before_ns, n.at_ns - n.mean_ns) - coalesce(r.clock_offset_ns, 0)::BIGINT AS start_ns,
  n.at_ns - coalesce(r.clock_offset_ns, 0)::BIGINT AS end_ns,
  n.before_ns - coalesce(r.clock_offset_ns, 0)::BIGINT AS before_ns,
  n.sample_us,
  n.aggr_us
FROM numbered AS n, (SELECT clock_offset_ns FROM run AS all_runs WHERE all_runs.run_id = run) AS r
ORDER BY n.target_id, n.number;

COMMENT ON MACRO TABLE _damo_snapshots IS 'The snapshots of a run as damo counts and times them.';
