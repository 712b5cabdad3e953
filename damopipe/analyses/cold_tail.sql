-- How many bytes of a run were idle for at least so long, as a mean over the snapshots that can tell of it.
-- requires: idle_windows
-- A snapshot can tell once DAMON has looked for that long: the figure of a minute leaves the first minute out.
CREATE OR REPLACE MACRO cold_tail(run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
SELECT
  target_id,
  window_us AS idle_us,
  avg((watched_bytes - touched_bytes)::DOUBLE) AS cold_bytes,
  100 * sum((watched_bytes - touched_bytes)::DOUBLE) / nullif(sum(watched_bytes::DOUBLE), 0) AS cold_percent,
  count(*) AS nr_snapshots
FROM idle_windows(run, target := target, context := context, from_ts := from_ts, to_ts := to_ts)
GROUP BY target_id, window_us
ORDER BY target_id, window_us;

COMMENT ON MACRO TABLE cold_tail IS
  'How many bytes of a run were idle for at least so long, as a mean over the snapshots that can tell of it.';
