-- The heat map as rows for plots of one's own, in units that people use.
-- requires: heatmap, region, _is_asked
-- Columns: time_bin, addr_bin, as in heatmap; seconds: where the cell begins, since the run began; offset_bytes: where it
-- begins, from the lowest address of the map; addr: the same as an address; access_percent: of the samples, 0 to 100;
-- accesses_hz: samples a second that found it accessed, by the sampling in force where the cell begins (NULL where the
-- aggregation interval is unknown); covered: the share of the cell that was watched. What was not watched has no row.
CREATE OR REPLACE MACRO access_matrix(
  run, time_bins := 500, addr_bins := 400, target := NULL, context := NULL,
  from_addr := NULL, to_addr := NULL, from_ts := NULL, to_ts := NULL
) AS TABLE
WITH chosen AS (
  SELECT min(target_id) AS target_id FROM snapshot WHERE run_id = run AND _is_asked(run, target_id, target, context)
),
lowest AS (
  SELECT
    (SELECT epoch_ns(min(coalesce(start_ts, ts))) FROM snapshot WHERE run_id = run) AS ns,
    coalesce(
      from_addr::UBIGINT, (SELECT min(start_addr) FROM region WHERE run_id = run AND target_id = (SELECT target_id FROM chosen))
    ) AS addr
),
cells AS MATERIALIZED (
  SELECT c.time_bin, c.addr_bin, c.from_ts AS ts, c.from_addr AS addr, c.access_rate, c.covered
  FROM heatmap(
    run, time_bins := time_bins, addr_bins := addr_bins, target := target, context := context,
    from_addr := from_addr, to_addr := to_addr, from_ts := from_ts, to_ts := to_ts
  ) AS c
),
sampling AS (
  SELECT ts, CASE WHEN aggr_us > 0 THEN nr_samples * 1e6::DOUBLE / aggr_us END AS samples_hz
  FROM snapshot
  WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
),
columns AS (
  SELECT b.time_bin, s.samples_hz
  FROM (SELECT DISTINCT time_bin, ts FROM cells) AS b
  ASOF JOIN sampling AS s ON b.ts < s.ts
)
SELECT
  c.time_bin,
  c.addr_bin,
  (epoch_ns(c.ts) - l.ns) / 1e9::DOUBLE AS seconds,
  c.addr - l.addr AS offset_bytes,
  c.addr,
  round(c.access_rate * 100, 7) AS access_percent,
  c.access_rate * t.samples_hz AS accesses_hz,
  c.covered
FROM cells AS c
JOIN columns AS t USING (time_bin)
CROSS JOIN lowest AS l
ORDER BY c.time_bin, c.addr_bin;

COMMENT ON MACRO TABLE access_matrix IS 'The heat map as rows for plots of one''s own, in units that people use.';
