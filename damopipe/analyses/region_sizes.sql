-- How many regions there were of each size, in powers of two, and how much memory lay in them.
-- requires: region, _is_asked, _is_within
-- Columns: target_id; from_bytes <= size < to_bytes (2^64 is told as 2^64 - 1); nr_regions over all snapshots;
-- regions_per_snapshot and bytes_per_snapshot, their means; bytes_share, of all bytes that were watched, 0 to 1.
CREATE OR REPLACE MACRO region_sizes(
  run, target := NULL, context := NULL, from_addr := NULL, to_addr := NULL, from_ts := NULL, to_ts := NULL
) AS TABLE
WITH nr_snapshots AS (
  SELECT target_id, count(*) AS n
  FROM snapshot
  WHERE run_id = run
    AND _is_within(ts, from_ts, to_ts)
  GROUP BY target_id
),
estimated AS (  -- as a DOUBLE, 2^53 - 1 times a page rounds up to the next power of two
  SELECT target_id, size_bytes, CASE WHEN size_bytes > 0 THEN floor(log2(size_bytes::DOUBLE))::TINYINT END AS power
  FROM region
  WHERE run_id = run
    AND _is_asked(run, target_id, target, context)
    AND _is_within(ts, from_ts, to_ts)
    AND (from_addr IS NULL OR end_addr > from_addr::UBIGINT) AND (to_addr IS NULL OR start_addr < to_addr::UBIGINT)
),
counted AS (
  SELECT
    target_id,
    CASE WHEN power = 64 OR size_bytes < 1::UBIGINT << power THEN power - 1 ELSE power END AS power,
    count(*) AS nr_regions,
    sum(size_bytes::DOUBLE) AS bytes
  FROM estimated
  GROUP BY ALL
)
SELECT
  target_id,
  CASE WHEN power IS NULL THEN 0 ELSE 1::UBIGINT << power END::UBIGINT AS from_bytes,
  CASE WHEN power IS NULL THEN 1 WHEN power = 63 THEN 18446744073709551615 ELSE 1::UBIGINT << (power + 1) END::UBIGINT
    AS to_bytes,
  c.nr_regions::UBIGINT AS nr_regions,
  c.nr_regions / s.n AS regions_per_snapshot,
  c.bytes / s.n AS bytes_per_snapshot,
  c.bytes / nullif(sum(c.bytes) OVER (PARTITION BY target_id), 0) AS bytes_share
FROM counted AS c
JOIN nr_snapshots AS s USING (target_id)
ORDER BY target_id, from_bytes;

COMMENT ON MACRO TABLE region_sizes IS 'How many regions there were of each size, in powers of two, and how much memory lay in them.';
