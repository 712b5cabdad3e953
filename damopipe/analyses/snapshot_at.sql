-- The regions of each target at one time of a run, with their rates, ages and mappings.
-- requires: _snapshot_regions
-- `at_time` is in seconds since the run began (2.5), or with a unit ('500ms', '1m'), or a timestamp; 'latest' or nothing is
-- the last snapshot. A target's snapshot is the last whose aggregation had begun by then. Columns: target_id; ts and
-- seconds, the end of that aggregation; start_addr, end_addr, size_bytes; offset_bytes from its lowest address;
-- nr_accesses, access_rate, access_hz, age_us, idle_us as in region_rate; name of the mapping that most of it was.
CREATE OR REPLACE MACRO snapshot_at(run, at_time := NULL, target := NULL, context := NULL, from_addr := NULL, to_addr := NULL) AS TABLE
WITH began AS (
  SELECT epoch_ns(min(coalesce(start_ts, ts))) AS ns FROM snapshot WHERE run_id = run
),
given AS (  -- a number and an interval are since the run began
  SELECT
    coalesce(try_cast(at_time::VARCHAR AS DOUBLE), epoch(try_cast(at_time::VARCHAR AS INTERVAL))) AS seconds,
    try_cast(at_time::VARCHAR AS TIMESTAMP_NS) AS ts
),
asked AS (
  SELECT
    CASE
      WHEN at_time IS NULL OR lower(at_time::VARCHAR) = 'latest' THEN 9223372036854775807
      WHEN g.seconds IS NOT NULL THEN b.ns + (least(greatest(g.seconds, -1e9), 1e9) * 1e9)::BIGINT
      WHEN g.ts IS NOT NULL THEN epoch_ns(g.ts)
      ELSE error(
        'snapshot_at: ''' || at_time::VARCHAR || ''' is no time; give seconds since the run began like 2.5, ''500ms'', or ''latest'''
      )
    END AS at_ns
  FROM began AS b, given AS g
)
SELECT *
FROM _snapshot_regions(
  run, NULL, (SELECT at_ns FROM asked), true, target := target, context := context, from_addr := from_addr, to_addr := to_addr
)
ORDER BY target_id, start_addr;

COMMENT ON MACRO TABLE snapshot_at IS 'The regions of each target at one time of a run, with their rates, ages and mappings.';
