-- The edges of regions, gathered in bins of addresses: what begins and ends in each bin, over a run or a part of one.
-- requires: region, working_set, _is_asked, _snapshot_seconds, _is_within
-- Of every run where `run` is NULL: a condition on the run then has to reach the regions. A bin is a page where up to 256 MiB
-- are watched, else the power of two of which about 65,536 cover what is watched. `_later` is what counts from the next bin on
-- only, times the bytes of a bin. With `unrolled` only of snapshots that are not rolled up.
CREATE OR REPLACE MACRO _address_edges(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, from_addr := NULL, to_addr := NULL, unrolled := false
) AS TABLE
WITH grain AS (
  SELECT run_id, target_id, greatest(12, ceil(log2(greatest(max(watched_bytes), 1) / 65536)))::UBIGINT AS bin_bits
  FROM working_set
  WHERE run IS NULL OR run_id = run
  GROUP BY run_id, target_id
),
spans AS (
  SELECT s.*, g.bin_bits, (1::UBIGINT << g.bin_bits) - 1 AS bin_mask
  FROM _snapshot_seconds AS s
  JOIN grain AS g USING (run_id, target_id)
  WHERE (run IS NULL OR run_id = run) AND _is_asked(run_id, target_id, target, context)
    AND _is_within(ts, from_ts, to_ts)
    AND (NOT unrolled OR (run_id, target_id, ts) NOT IN (SELECT (run_id, target_id, ts) FROM _rollup_snapshot))
),
boxes AS (  -- every region twice, once for each edge
  SELECT
    r.run_id,
    r.target_id,
    p.bin_bits,
    e.sign,
    CASE
      WHEN e.sign > 0 THEN CASE WHEN r.start_addr < from_addr::UBIGINT THEN from_addr::UBIGINT ELSE r.start_addr END
      ELSE CASE WHEN r.end_addr > to_addr::UBIGINT THEN to_addr::UBIGINT ELSE r.end_addr END
    END AS addr,
    addr & p.bin_mask AS bytes_before,
    p.seconds * e.sign AS watched,
    watched / p.nr_samples * r.nr_accesses AS heat,
    CASE
      WHEN r.referenced_bytes IS NOT NULL THEN watched * r.referenced_bytes / r.size_bytes
      WHEN r.nr_accesses > 0 THEN watched
      ELSE 0
    END AS touched
  FROM region AS r
  JOIN spans AS p USING (run_id, target_id, ts)
  CROSS JOIN (VALUES (1::TINYINT), (-1)) AS e(sign)
  WHERE r.nr_accesses IS NOT NULL AND p.nr_samples > 0 AND r.size_bytes > 0
    AND (from_addr IS NULL OR r.end_addr > from_addr::UBIGINT)
    AND (to_addr IS NULL OR r.start_addr < to_addr::UBIGINT)
)
SELECT
  run_id, target_id, bin_bits, addr >> bin_bits AS bin,
  min(CASE WHEN sign > 0 THEN addr END) AS first_addr, max(CASE WHEN sign < 0 THEN addr END) AS last_addr,
  sum(watched) AS watched, sum(watched * bytes_before) AS watched_later,
  sum(heat) AS heat, sum(heat * bytes_before) AS heat_later,
  sum(touched) AS touched, sum(touched * bytes_before) AS touched_later
FROM boxes GROUP BY ALL;

COMMENT ON MACRO TABLE _address_edges IS
  'The edges of regions, gathered in bins of addresses: what begins and ends in each bin, over a run or a part of one.';
