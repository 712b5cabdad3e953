-- A heat map by damo's rules, pixel by pixel as `damo report heatmap --output raw` prints it.
-- requires: _damo_snapshots, damo_areas, region
-- A pixel is floor(span / bins) wide each way; what is left over at the end is not drawn. A region counts from its snapshot's
-- start less its age, never before the end of the snapshot before, to its snapshot's end; without intervals from the start.
-- Its heat is accesses a second, or without intervals its samples; a pixel has the sum of heat * the share of its time and
-- addresses that a region covers, so what is not covered cools it. value is NULL where no region came near, and 0 where one only
-- touched an edge. Without bounds: the whole time and the hottest of damo_areas, of the first target.
-- Columns: time_bin, addr_bin; time_ns since from_ns, addr_bytes since from_addr; value; from_ns, from_addr of the map itself.
CREATE OR REPLACE MACRO damo_heatmap(
  run, time_bins := 40, addr_bins := 80, target := NULL, from_ns := NULL, to_ns := NULL, from_addr := NULL, to_addr := NULL
) AS TABLE
WITH drawn AS MATERIALIZED (
  SELECT
    target_id,
    coalesce(from_ns::BIGINT, a.from_ns) AS t0,
    coalesce(from_addr::UBIGINT, a.from_addr)::HUGEINT AS a0,
    greatest((coalesce(to_ns::BIGINT, a.to_ns) - t0) // time_bins, 1)::BIGINT AS time_unit,
    greatest((coalesce(to_addr::UBIGINT, a.to_addr)::HUGEINT - a0) // addr_bins, 1)::HUGEINT AS addr_unit
  FROM damo_areas(run, target := target) AS a
  WHERE is_hottest
  ORDER BY target_id
  LIMIT 1
),
seen AS (
  SELECT
    CASE
      WHEN s.aggr_us > 0
        THEN greatest(s.start_ns - coalesce(r.age, 0) * s.aggr_us * 1000, coalesce(s.before_ns, -9223372036854775807))
      ELSE s.start_ns
    END::BIGINT AS since_ns,
    s.end_ns,
    r.start_addr::HUGEINT AS low,
    r.end_addr::HUGEINT AS high,
    CASE WHEN s.aggr_us > 0 THEN r.nr_accesses / (s.aggr_us / 1000000) ELSE r.nr_accesses END::DOUBLE AS heat,
    d.*
  FROM drawn AS d
  JOIN _damo_snapshots(run, target := target) AS s USING (target_id)
  JOIN region AS r ON r.run_id = run AND r.target_id = s.target_id AND r.ts = s.ts
  WHERE s.end_ns >= d.t0
    AND r.end_addr >= d.a0
    AND r.start_addr < d.a0 + d.addr_unit * addr_bins
),
by_time AS (
  SELECT *, unnest(range(
    greatest(since_ns - t0, 0) // time_unit, least((end_ns - t0) // time_unit, time_bins - 1) + 1)) AS time_bin
  FROM seen
),
pixels AS (
  SELECT *, unnest(range(
    (greatest(low - a0, 0) // addr_unit)::BIGINT, least((high - a0) // addr_unit, addr_bins - 1)::BIGINT + 1)) AS addr_bin
  FROM by_time
),
heated AS (  -- damo brings in one region after the other, and rounds each time: so do these, to the last bit
  SELECT
    time_bin,
    addr_bin,
    list_reduce(
      list(heat * (covered_ns * covered_bytes)::DOUBLE ORDER BY end_ns, low),
      lambda sum, more: (sum * any_value(volume) + more) / any_value(volume),
      0.0::DOUBLE
    ) AS value
  FROM (
    SELECT
      *,
      greatest(least(end_ns, t0 + (time_bin + 1) * time_unit) - greatest(since_ns, t0 + time_bin * time_unit), 0) AS covered_ns,
      greatest(least(high, a0 + (addr_bin + 1) * addr_unit) - greatest(low, a0 + addr_bin * addr_unit), 0) AS covered_bytes,
      (time_unit * addr_unit)::DOUBLE AS volume
    FROM pixels
  )
  GROUP BY time_bin, addr_bin
)
SELECT
  i.time_bin::INTEGER AS time_bin,
  k.addr_bin::INTEGER AS addr_bin,
  (i.time_bin * d.time_unit)::BIGINT AS time_ns,
  (k.addr_bin * d.addr_unit)::UBIGINT AS addr_bytes,
  h.value,
  d.t0 AS from_ns,
  d.a0::UBIGINT AS from_addr
FROM drawn AS d
CROSS JOIN (SELECT unnest(range(time_bins)) AS time_bin) AS i
CROSS JOIN (SELECT unnest(range(addr_bins)) AS addr_bin) AS k
LEFT JOIN heated AS h USING (time_bin, addr_bin)
ORDER BY i.time_bin, k.addr_bin;

COMMENT ON MACRO TABLE damo_heatmap IS
  'A heat map by damo''s rules, pixel by pixel as `damo report heatmap --output raw` prints it.';
