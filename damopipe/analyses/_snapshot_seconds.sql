-- For how long each snapshot stands.
-- requires: nothing
CREATE OR REPLACE VIEW _snapshot_seconds AS
SELECT
  run_id,
  target_id,
  ts,
  nr_samples,
  coalesce(  -- without a start it begins where the one before ended; the first is as long as it was to be, or as the next
    epoch_ns(ts) - epoch_ns(coalesce(start_ts, lag(ts) OVER in_time)),
    aggr_us::BIGINT * 1000,
    epoch_ns(lead(ts) OVER in_time) - epoch_ns(ts),
    1
  ) / 1e9::DOUBLE AS seconds
FROM snapshot
WINDOW in_time AS (PARTITION BY run_id, target_id ORDER BY ts);

COMMENT ON VIEW _snapshot_seconds IS 'For how long each snapshot stands.';
COMMENT ON COLUMN _snapshot_seconds.run_id IS 'The run.';
COMMENT ON COLUMN _snapshot_seconds.target_id IS 'The target.';
COMMENT ON COLUMN _snapshot_seconds.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN _snapshot_seconds.nr_samples IS 'Samples in the aggregation; NULL where unknown.';
COMMENT ON COLUMN _snapshot_seconds.seconds IS 'From its start, or the end of the snapshot before, to its end.';
