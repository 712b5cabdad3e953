-- The histograms of idle times of the snapshots in rollup_fresh. A bucket is a 64th of its octave, and is told by the longest
-- idle time that fell into it: what is no longer than 64 aggregations is never off, and what is longer by at most a 64th.
INSERT INTO _rollup_idle
WITH times AS (
  SELECT r.target_id, r.ts, r.idle_us, r.size_bytes::DOUBLE * r.lasted_us AS weight
  FROM idle_regions(
    $run, from_ts := (SELECT min(ts) FROM rollup_fresh), to_ts := (SELECT max(ts) FROM rollup_fresh), unrolled := true
  ) AS r
  SEMI JOIN rollup_fresh USING (ts, target_id)
)
SELECT
  $run AS run_id,
  target_id,
  make_timestamp_ns(epoch_ns(ts) // 60_000_000_000 * 60_000_000_000) AS minute,
  max(idle_us) AS idle_us,
  sum(weight) AS weight
FROM times
GROUP BY
  target_id,
  minute,
  CASE
    WHEN idle_us < 128 THEN idle_us
    ELSE (idle_us >> (floor(log2(idle_us))::INTEGER - 6)) << (floor(log2(idle_us))::INTEGER - 6)
  END
ORDER BY target_id, minute, max(idle_us);
