-- The percentiles of the number of regions, as `damo report nr_regions` prints them.
-- requires: damo_snapshots
-- As damo_wss_percentiles, of how many regions a snapshot has. damo always passes over 20 snapshots, and fails on a recording
-- that has no more; here such a run has no rows, and exclude_samples says how many.
CREATE OR REPLACE MACRO damo_nr_regions(
  run, target := NULL, first := 0, step := 25, by_time := false, exclude_samples := 20
) AS TABLE
WITH counts AS (
  SELECT * FROM damo_snapshots(run, target := target) WHERE number >= exclude_samples
),
sorted AS (
  SELECT
    target_id,
    list(nr_regions ORDER BY CASE WHEN by_time THEN number ELSE nr_regions END, number) AS numbers,
    (sum(nr_regions) // count(*))::BIGINT AS average
  FROM counts
  GROUP BY target_id
),
steps AS (
  SELECT unnest(range(first, 101, step))::BIGINT AS percentile
)
SELECT
  target_id,
  percentile,
  numbers[least(floor(percentile / 100 * len(numbers))::BIGINT, len(numbers) - 1) + 1] AS nr_regions,
  average
FROM sorted CROSS JOIN steps
ORDER BY target_id, percentile;

COMMENT ON MACRO TABLE damo_nr_regions IS 'The percentiles of the number of regions, as `damo report nr_regions` prints them.';
