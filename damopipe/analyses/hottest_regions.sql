-- The areas of memory that were accessed over a run, hottest first.
-- requires: _address_heat
-- Neighbouring bytes are one area where they belong to the same mapping and their access rates over the run are alike:
-- in the same halving of 100 % (at least 50 %, at least 25 %, … down to 1.6 %, and all below). The order is by size times
-- the rate, times the rate once more: neither a sliver that is always accessed comes first, nor a huge area that hardly is.
CREATE OR REPLACE MACRO hottest_regions(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, from_addr := NULL, to_addr := NULL
) AS TABLE
WITH rated AS (
  SELECT
    *,
    least(6, greatest(0, ceil(-log2(round(heat_seconds / watched_seconds, 9))) - 1)) AS halvings
  FROM _address_heat(
    run, target := target, context := context, from_ts := from_ts, to_ts := to_ts,
    from_addr := from_addr, to_addr := to_addr
  )
  WHERE heat_seconds / watched_seconds > 1e-9
),
begun AS (
  SELECT
    *,
    (start_addr = lag(end_addr) OVER in_space AND halvings = lag(halvings) OVER in_space
      AND is_mapped = lag(is_mapped) OVER in_space AND name IS NOT DISTINCT FROM lag(name) OVER in_space) IS NOT TRUE AS begins
  FROM rated
  WINDOW in_space AS (PARTITION BY run_id, target_id ORDER BY start_addr)
),
numbered AS (
  SELECT
    *,
    (end_addr - start_addr)::DOUBLE AS bytes,
    sum(begins::INTEGER) OVER (PARTITION BY run_id, target_id ORDER BY start_addr ROWS UNBOUNDED PRECEDING) AS area
  FROM begun
)
SELECT
  run_id,
  target_id,
  min(start_addr) AS start_addr,
  max(end_addr) AS end_addr,
  max(end_addr) - min(start_addr) AS size_bytes,
  round(sum(heat_seconds * bytes) / sum(watched_seconds * bytes), 9) AS access_rate,
  round(sum(watched_seconds * bytes) / sum(bytes) / max(total_seconds), 9) AS watched_share,
  any_value(name) AS name
FROM numbered
GROUP BY run_id, target_id, area
-- By its logarithm, rounded: what is equally hot but for the last digits of sums stands in the order of addresses.
ORDER BY round(ln(access_rate * sum(heat_seconds * bytes) / max(total_seconds)), 9) DESC, run_id, target_id, start_addr;

CREATE OR REPLACE VIEW hottest_regions AS FROM hottest_regions(NULL);

COMMENT ON VIEW hottest_regions IS 'The areas of memory that were accessed over a run, hottest first.';
COMMENT ON COLUMN hottest_regions.run_id IS 'The run.';
COMMENT ON COLUMN hottest_regions.target_id IS 'The target.';
COMMENT ON COLUMN hottest_regions.start_addr IS 'The first byte.';
COMMENT ON COLUMN hottest_regions.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN hottest_regions.size_bytes IS 'end_addr - start_addr.';
COMMENT ON COLUMN hottest_regions.access_rate IS 'The share of samples that found it accessed, 0 to 1: the mean over its bytes and over the time for which they were watched.';
COMMENT ON COLUMN hottest_regions.watched_share IS 'The share of the recorded time for which it was watched, 0 to 1: less for memory that came late or went early.';
COMMENT ON COLUMN hottest_regions.name IS 'The mapping that it was last; NULL for plain anonymous memory, and where no mapping is known.';
COMMENT ON MACRO TABLE hottest_regions IS
  'The areas of memory that were accessed over a run, hottest first.';
