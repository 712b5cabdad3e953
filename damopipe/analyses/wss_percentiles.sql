-- The working set by percentile of a run's snapshots: 0 is the smallest, 50 the median, 100 the largest.
-- requires: working_set, _is_asked, _is_within
CREATE OR REPLACE MACRO wss_percentiles(run, step := 5, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
WITH sorted AS (
  SELECT target_id, list(accessed_bytes ORDER BY accessed_bytes) AS sizes
  FROM working_set
  WHERE run_id = run
    AND accessed_bytes IS NOT NULL
    AND _is_asked(run, target_id, target, context)
    AND _is_within(ts, from_ts, to_ts)
  GROUP BY target_id
),
steps AS (
  SELECT DISTINCT least(unnest(range(0, 100 + step, step)), 100)::DOUBLE AS percentile
)
SELECT
  target_id,
  percentile,
  sizes[least(floor(percentile / 100 * len(sizes))::BIGINT, len(sizes) - 1) + 1] AS accessed_bytes
FROM sorted CROSS JOIN steps
ORDER BY target_id, percentile;

COMMENT ON MACRO TABLE wss_percentiles IS 'The working set by percentile of a run''s snapshots: 0 is the smallest, 50 the median, 100 the largest.';
