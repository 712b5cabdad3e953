-- The access rate of a run as a grid of time and address; cells of which nothing was watched have no row.
-- requires: region, _is_asked
-- A sum of rectangles: each region adds differences at its two edges, and a running sum over the address bins makes
-- cells of them. It is exact for partly covered bins, and its cost does not depend on how large the regions are.
-- Where a run is rolled up (`damopipe runs rollup`) and there is a level of bins no wider than an eighth of a column and of
-- cells no larger than a quarter of a row, the differences come from there, and from the regions only of what is newer. What
-- a bin has is taken to be spread evenly over it, and what a cell has to lie where its middle does: exact where columns and
-- rows begin where bins and cells do, else off by a sixteenth of the scale along time, and an eighth along addresses, at the worst.
CREATE OR REPLACE MACRO heatmap(
  run, time_bins := 500, addr_bins := 400, target := NULL, context := NULL,
  from_addr := NULL, to_addr := NULL, from_ts := NULL, to_ts := NULL
) AS TABLE
WITH chosen AS (
  SELECT min(target_id) AS target_id FROM snapshot WHERE run_id = run AND _is_asked(run, target_id, target, context)
),
fresh AS MATERIALIZED (  -- what is not rolled up
  SELECT target_id, ts
  FROM snapshot
  ANTI JOIN _rollup_snapshot USING (run_id, target_id, ts)
  WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
),
unrolled AS MATERIALIZED (  -- a target of which nothing is rolled up: so it needs no join with its snapshots to find its addresses
  FROM chosen
  WHERE NOT EXISTS (SELECT 1 FROM _rollup_snapshot WHERE run_id = run AND target_id = (SELECT target_id FROM chosen))
),
addr_range AS MATERIALIZED (
  SELECT
    coalesce(from_addr::UBIGINT, lowest) AS low,
    coalesce(to_addr::UBIGINT, highest) AS high,
    addr_bins::DOUBLE / (coalesce(to_addr::UBIGINT, highest) - coalesce(from_addr::UBIGINT, lowest)) AS bins_per_byte
  FROM (
    SELECT min(low) AS lowest, max(high) AS highest
    FROM (
      SELECT min(start_addr) AS low, max(end_addr) AS high FROM region JOIN unrolled USING (target_id) WHERE run_id = run
      UNION ALL
      SELECT min(low_addr) AS low, max(high_addr) AS high
      FROM _rollup_area
      WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
      UNION ALL
      SELECT min(start_addr) AS low, max(end_addr) AS high
      FROM region
      JOIN (FROM fresh ANTI JOIN unrolled USING (target_id)) USING (ts, target_id)
      WHERE run_id = run
    )
  )
),
spans AS MATERIALIZED (  -- [t0, t1) of each snapshot, in ns; without a start it begins where the one before ended
  SELECT
    target_id,
    ts,
    epoch_ns(coalesce(start_ts, lag(ts) OVER (ORDER BY ts))) AS t0,
    epoch_ns(ts) AS t1,
    nr_samples
  FROM snapshot
  WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
),
time_range AS MATERIALIZED (
  SELECT
    coalesce(epoch_ns(from_ts::TIMESTAMP_NS), earliest) AS first_ns,
    coalesce(epoch_ns(to_ts::TIMESTAMP_NS), latest) AS last_ns
  FROM (SELECT min(coalesce(t0, t1)) AS earliest, max(t1) AS latest FROM spans)
),
level AS MATERIALIZED (  -- of the rollup; none where it is not fine enough
  SELECT max_by(width_s, width_s) AS width_s, max_by(cell_bytes, width_s) AS cell_bytes
  FROM _rollup_level, time_range, addr_range
  WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
    AND width_s * 8e9 <= (last_ns - first_ns) / time_bins::DOUBLE
    AND (cell_bytes = 4096 OR cell_bytes * 4 * bins_per_byte <= 1)
  HAVING max(width_s) IS NOT NULL
),
spread AS (  -- the time bins that each snapshot touches
  SELECT
    *,
    unnest(range(
      greatest(floor((t0 - first_ns) / width), 0)::INTEGER,
      least(ceil((t1 - first_ns) / width), time_bins)::INTEGER
    ))::INTEGER AS time_bin
  FROM spans, (SELECT first_ns, last_ns, (last_ns - first_ns) / time_bins::DOUBLE AS width FROM time_range)
  WHERE t1 > t0 AND t1 > first_ns AND t0 < last_ns AND nr_samples > 0
    AND (NOT EXISTS (FROM level) OR (target_id, ts) IN (SELECT (target_id, ts) FROM fresh))
),
pieces AS MATERIALIZED (
  -- Each snapshot cut at the time bins, `share` being its part of the bin. The address range rides along: as a join
  -- partner of its own it would be an inequality join over every region.
  SELECT
    target_id,
    ts,
    time_bin,
    (least((time_bin + 1) * width, t1 - first_ns) - greatest(time_bin * width, t0 - first_ns)) / width AS share,
    share / nr_samples AS heat_per_access,
    low,
    high,
    bins_per_byte
  FROM spread CROSS JOIN addr_range
),
boxes AS NOT MATERIALIZED (  -- both edges of every region, in units of bins; CASE, as greatest() and least() cost three times as much
  SELECT
    p.time_bin,
    CASE
      WHEN e.sign > 0 THEN CASE WHEN r.start_addr > p.low THEN r.start_addr - p.low ELSE 0 END
      ELSE CASE WHEN r.end_addr < p.high THEN r.end_addr ELSE p.high END - p.low
    END::DOUBLE * p.bins_per_byte AS x,
    p.share * e.sign AS share,
    p.heat_per_access * e.sign * r.nr_accesses AS heat
  FROM region AS r
  JOIN pieces AS p USING (ts, target_id)
  CROSS JOIN (VALUES (1::TINYINT), (-1)) AS e(sign)  -- and not a union of two readings, which takes half as long again
  WHERE r.run_id = run AND r.end_addr > p.low AND r.start_addr < p.high AND r.nr_accesses IS NOT NULL
),
rolled_pieces AS MATERIALIZED (  -- each bin of the rollup cut at the time bins, as `pieces`
  SELECT
    make_timestamp_ns(t0) AS ts,
    (SELECT target_id FROM chosen) AS target_id,
    width_s,
    time_bin,
    -- The part of the bin that lies in the time bin, and how much of the time bin a microsecond is.
    (least((time_bin + 1) * width, t1 - first_ns) - greatest(time_bin * width, t0 - first_ns)) / (t1 - t0) * 1000 / width AS share,
    low,
    high,
    bins_per_byte,
    cell_bytes,
    cell_bytes * bins_per_byte AS bins_per_cell
  FROM (
    SELECT
      *,
      unnest(range(
        greatest(floor((t0 - first_ns) / width), 0)::INTEGER,
        least(ceil((t1 - first_ns) / width), time_bins)::INTEGER
      ))::INTEGER AS time_bin
    FROM (
      SELECT
        unnest(range(first_ns // (width_s * 1_000_000_000::BIGINT), last_ns // (width_s * 1_000_000_000::BIGINT) + 1)) AS number,
        number * width_s * 1_000_000_000::BIGINT AS t0,
        t0 + width_s * 1_000_000_000::BIGINT AS t1,
        first_ns,
        (last_ns - first_ns) / time_bins::DOUBLE AS width,
        level.*
      FROM level, time_range
    )
  ) CROSS JOIN addr_range
),
rolled AS NOT MATERIALIZED (  -- cells in units of bins; what is wholly below the range counts as an edge where it begins
  SELECT
    p.time_bin,
    p.share,
    h.cell < p.low // p.cell_bytes AS is_below,
    CASE
      WHEN is_below THEN 0
      WHEN h.cell * p.cell_bytes < p.low THEN (p.low - h.cell * p.cell_bytes)::DOUBLE * -p.bins_per_byte
      ELSE (h.cell * p.cell_bytes - p.low)::DOUBLE * p.bins_per_byte
    END AS x,
    -- A cell belongs to the bin that its middle is in; a page to the one that it begins in, as its edges do.
    CASE WHEN p.cell_bytes > 4096 AND NOT is_below THEN x + p.bins_per_cell / 2 ELSE x END AS middle,
    CASE WHEN middle > 0 THEN floor(middle)::INTEGER ELSE 0 END AS bin,
    x - bin AS from_bin,
    CASE WHEN is_below THEN 0 ELSE p.bins_per_cell END AS bins_per_cell,
    h.watched_us,
    h.watched_later_us,
    h.heat_us,
    h.heat_later_us
  FROM _rollup_heat AS h
  JOIN rolled_pieces AS p USING (ts, target_id, width_s)
  WHERE h.run_id = run AND h.cell * p.cell_bytes < p.high
),
edges AS MATERIALIZED (
  SELECT
    time_bin, floor(x)::INTEGER AS bin,
    sum(share) AS share, sum(share * (x - floor(x))) AS share_later,
    sum(heat) AS heat, sum(heat * (x - floor(x))) AS heat_later
  FROM boxes GROUP BY ALL
  UNION ALL
  SELECT
    time_bin, bin,
    sum(share * watched_us) AS share, sum(share * (watched_us * from_bin + watched_later_us * bins_per_cell)) AS share_later,
    sum(share * heat_us) AS heat, sum(share * (heat_us * from_bin + heat_later_us * bins_per_cell)) AS heat_later
  FROM rolled GROUP BY ALL
),
steps AS (  -- the part of an edge that lies within its bin, and the rest, from the next bin on
  SELECT time_bin, bin, share - share_later AS share, heat - heat_later AS heat FROM edges
  UNION ALL
  SELECT time_bin, bin + 1 AS bin, share_later AS share, heat_later AS heat FROM edges
),
cells AS (
  SELECT time_bin, bin, sum(share) AS share, sum(heat) AS heat
  FROM (
    FROM steps
    UNION ALL
    SELECT time_bin, unnest(range(0, addr_bins))::INTEGER AS bin, 0 AS share, 0 AS heat
    FROM (SELECT time_bin FROM pieces UNION SELECT time_bin FROM rolled_pieces)
  )
  GROUP BY ALL
),
sums AS (
  SELECT
    time_bin,
    bin AS addr_bin,
    sum(share) OVER filled AS covered,
    sum(heat) OVER filled AS heat
  FROM cells
  WINDOW filled AS (PARTITION BY time_bin ORDER BY bin)
)
SELECT
  time_bin::INTEGER AS time_bin,
  addr_bin::INTEGER AS addr_bin,
  make_timestamp_ns((first_ns + time_bin * ((last_ns - first_ns) / time_bins::DOUBLE))::BIGINT) AS from_ts,
  (low + (addr_bin * ((high - low) / addr_bins::DOUBLE))::UBIGINT)::UBIGINT AS from_addr,
  greatest(0, least(1, round(heat / covered, 9))) AS access_rate,
  least(1, round(covered, 9)) AS covered
FROM sums, addr_range, time_range
WHERE covered > 1e-6 AND addr_bin < addr_bins
ORDER BY time_bin, addr_bin;

COMMENT ON MACRO TABLE heatmap IS 'The access rate of a run as a grid of time and address; cells of which nothing was watched have no row.';
