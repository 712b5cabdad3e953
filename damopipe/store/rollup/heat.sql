-- The edges of the regions of the snapshots in rollup_fresh, in the narrowest bins of their targets.
CREATE OR REPLACE TEMP TABLE rollup_edge AS
WITH pieces AS (  -- snapshots cut at the bins
  SELECT
    target_id,
    ts,
    bin,
    cell_bytes,
    (least((bin + 1) * width_ns, t1) - greatest(bin * width_ns, t0)) / 1000.0::DOUBLE AS watched_us,
    watched_us / nr_samples AS heat_us
  FROM (
    SELECT f.*, l.cell_bytes, l.width_ns, unnest(range(t0 // width_ns, (t1 - 1) // width_ns + 1)) AS bin
    FROM rollup_fresh AS f
    JOIN (
      SELECT target_id, cell_bytes, min(width_s) * 1_000_000_000::BIGINT AS width_ns
      FROM _rollup_level
      WHERE run_id = $run
      GROUP BY target_id, cell_bytes
    ) AS l USING (target_id)
    WHERE f.nr_samples > 0 AND f.t1 > f.t0
  )
),
boxes AS NOT MATERIALIZED (
  SELECT
    p.target_id,
    p.bin,
    p.cell_bytes,
    r.start_addr,
    r.end_addr,
    p.watched_us AS watched,
    p.heat_us * r.nr_accesses AS heat
  FROM region AS r
  JOIN pieces AS p USING (ts, target_id)
  WHERE r.run_id = $run AND r.nr_accesses IS NOT NULL
),
edges AS (
  SELECT
    target_id, bin, start_addr // cell_bytes AS cell,
    sum(watched) AS watched, sum(watched * (start_addr % cell_bytes)::DOUBLE / cell_bytes) AS watched_later,
    sum(heat) AS heat, sum(heat * (start_addr % cell_bytes)::DOUBLE / cell_bytes) AS heat_later
  FROM boxes GROUP BY ALL
  UNION ALL
  SELECT
    target_id, bin, end_addr // cell_bytes AS cell,
    -sum(watched) AS watched, -sum(watched * (end_addr % cell_bytes)::DOUBLE / cell_bytes) AS watched_later,
    -sum(heat) AS heat, -sum(heat * (end_addr % cell_bytes)::DOUBLE / cell_bytes) AS heat_later
  FROM boxes GROUP BY ALL
)
SELECT
  target_id, bin, cell,
  sum(watched) AS watched, sum(watched_later) AS watched_later, sum(heat) AS heat, sum(heat_later) AS heat_later
FROM edges
GROUP BY target_id, bin, cell;
