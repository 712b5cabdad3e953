-- The working set of a run by how long one looks: a byte counts when it was touched within the window.
-- requires: idle_windows
-- The figures are those of the snapshots that can tell of a window, percentiles by the rule of wss_percentiles. A region
-- counts as a whole, also from procfs: which of its pages were touched earlier is not known.
CREATE OR REPLACE MACRO wss_by_window(run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
WITH sizes AS (
  SELECT target_id, window_us, list(touched_bytes ORDER BY touched_bytes) AS sizes
  FROM idle_windows(run, target := target, context := context, from_ts := from_ts, to_ts := to_ts)
  GROUP BY target_id, window_us
)
SELECT
  target_id,
  window_us,
  sizes[floor(0.5 * len(sizes))::BIGINT + 1] AS p50_bytes,
  sizes[floor(0.95 * len(sizes))::BIGINT + 1] AS p95_bytes,
  sizes[-1] AS max_bytes,
  list_avg(sizes)::DOUBLE AS mean_bytes,
  len(sizes)::BIGINT AS nr_snapshots
FROM sizes
ORDER BY target_id, window_us;

COMMENT ON MACRO TABLE wss_by_window IS
  'The working set of a run by how long one looks: a byte counts when it was touched within the window.';
