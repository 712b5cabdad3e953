-- The percentiles of damo's working sets, as `damo report wss` prints them.
-- requires: damo_wss
-- The value at percentile p of n is the one at place int(p / 100 * n), counted from 0, the last at most: nothing is
-- interpolated. by_time keeps them in their order, so that 25 is a quarter of the time. The percentiles are first, first +
-- step and so on up to 100. average is the mean of all, cut off to an integer. What else counts: see damo_wss.
CREATE OR REPLACE MACRO damo_wss_percentiles(
  run, target := NULL, first := 0, step := 25, by_time := false, exclude_samples := 20, work_time_us := 1, acc_thres := 1,
  sz_thres := 1
) AS TABLE
WITH sorted AS (
  SELECT
    target_id,
    list(wss_bytes ORDER BY CASE WHEN by_time THEN number ELSE wss_bytes END, number) AS sizes,
    (sum(wss_bytes) // count(*))::UBIGINT AS average
  FROM damo_wss(
    run, target := target, exclude_samples := exclude_samples, work_time_us := work_time_us, acc_thres := acc_thres,
    sz_thres := sz_thres
  )
  GROUP BY target_id
),
steps AS (
  SELECT unnest(range(first, 101, step))::BIGINT AS percentile
)
SELECT
  target_id,
  percentile,
  sizes[least(floor(percentile / 100 * len(sizes))::BIGINT, len(sizes) - 1) + 1] AS wss_bytes,
  average
FROM sorted CROSS JOIN steps
ORDER BY target_id, percentile;

COMMENT ON MACRO TABLE damo_wss_percentiles IS 'The percentiles of damo''s working sets, as `damo report wss` prints them.';
