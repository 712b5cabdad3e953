-- How many bytes of each snapshot were touched within each window of time, and no shorter one.
-- requires: idle_regions, _is_asked, _is_within
-- A region belongs to the first window that is longer than its idle time: 0 where it was accessed, -1 where that is unknown.
-- What is rolled up comes from the rollup.
CREATE OR REPLACE MACRO _idle_parts(run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
SELECT
  target_id,
  ts,
  CASE
    WHEN is_accessed THEN 0
    WHEN NOT is_accessed AND idle_us IS NULL THEN -1
    WHEN idle_us < 1_000 THEN 1_000
    WHEN idle_us < 2_000 THEN 2_000
    WHEN idle_us < 5_000 THEN 5_000
    WHEN idle_us < 10_000 THEN 10_000
    WHEN idle_us < 20_000 THEN 20_000
    WHEN idle_us < 50_000 THEN 50_000
    WHEN idle_us < 100_000 THEN 100_000
    WHEN idle_us < 200_000 THEN 200_000
    WHEN idle_us < 500_000 THEN 500_000
    WHEN idle_us < 1_000_000 THEN 1_000_000
    WHEN idle_us < 2_000_000 THEN 2_000_000
    WHEN idle_us < 5_000_000 THEN 5_000_000
    WHEN idle_us < 10_000_000 THEN 10_000_000
    WHEN idle_us < 30_000_000 THEN 30_000_000
    WHEN idle_us < 60_000_000 THEN 60_000_000
    WHEN idle_us < 120_000_000 THEN 120_000_000
    WHEN idle_us < 300_000_000 THEN 300_000_000
    WHEN idle_us < 600_000_000 THEN 600_000_000
    WHEN idle_us < 1_800_000_000 THEN 1_800_000_000
    WHEN idle_us < 3_600_000_000 THEN 3_600_000_000
    WHEN idle_us < 7_200_000_000 THEN 7_200_000_000
    WHEN idle_us < 18_000_000_000 THEN 18_000_000_000
    WHEN idle_us < 36_000_000_000 THEN 36_000_000_000
    WHEN idle_us < 86_400_000_000 THEN 86_400_000_000
    WHEN idle_us < 604_800_000_000 THEN 604_800_000_000
    WHEN idle_us IS NOT NULL THEN 9_000_000_000_000_000_000
  END AS window_us,
  sum(size_bytes::DOUBLE) AS bytes
FROM idle_regions(run, target := target, context := context, from_ts := from_ts, to_ts := to_ts, unrolled := true)
GROUP BY ALL
UNION ALL
SELECT target_id, ts, window_us, bytes
FROM _rollup_idle_part
WHERE run_id = run
  AND _is_asked(run, target_id, target, context)
  AND _is_within(ts, from_ts, to_ts);

COMMENT ON MACRO TABLE _idle_parts IS
  'How many bytes of each snapshot were touched within each window of time, and no shorter one.';
