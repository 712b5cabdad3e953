-- The areas of watched memory of a run, with the huge holes between them cut out.
-- requires: _is_asked
-- A hole is cut out when it is larger than a quarter of all that was watched, and at least 16 MiB; at most the five
-- largest are, so that there are at most six areas.
CREATE OR REPLACE MACRO address_areas(run, target := NULL, context := NULL) AS TABLE
WITH chosen AS (
  SELECT min(target_id) AS target_id FROM snapshot WHERE run_id = run AND _is_asked(run, target_id, target, context)
),
rolled AS (
  FROM _rollup_snapshot WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
),
regions AS (  -- that are not rolled up; where nothing is, there is no need for a join with the snapshots
  SELECT r.*
  FROM _region AS r
  SEMI JOIN (FROM chosen WHERE NOT EXISTS (FROM rolled)) USING (target_id)
  WHERE r.run_id = run
  UNION ALL
  SELECT r.*
  FROM _region AS r
  SEMI JOIN (
    FROM snapshot ANTI JOIN rolled USING (run_id, target_id, ts)
    WHERE run_id = run AND target_id = (SELECT target_id FROM chosen) AND EXISTS (FROM rolled)
  ) USING (ts, target_id)
  WHERE r.run_id = run
),
runs_of_16_mib AS (
  SELECT min(first_page) AS first_page, max(end_page) AS end_page, sum(heat) AS heat
  FROM (
    SELECT
      start_page // 4096 AS chunk,
      min(start_page) AS first_page,
      max(start_page + nr_pages + ((start_rest + size_rest + 4095) // 4096)) AS end_page,
      sum(coalesce(nr_accesses, 0) * nr_pages::DOUBLE) AS heat
    FROM regions
    GROUP BY chunk
    UNION ALL
    SELECT chunk, first_page, end_page, heat
    FROM _rollup_area
    WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
  )
  GROUP BY chunk
),
holes AS (
  SELECT
    *,
    first_page::HUGEINT - coalesce(max(end_page) OVER (
      ORDER BY first_page ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), first_page) AS hole
  FROM runs_of_16_mib
),
ranked AS (
  SELECT
    *,
    hole >= 4096 AND hole > sum(end_page - first_page) OVER () / 4
      AND row_number() OVER (ORDER BY hole DESC, first_page) <= 5 AS is_cut
  FROM holes
),
areas AS (
  SELECT
    area,
    (min(first_page) * 4096)::UBIGINT AS from_addr,
    (max(end_page) * 4096)::UBIGINT AS to_addr,
    sum(heat)::DOUBLE AS heat
  FROM (SELECT *, sum(is_cut::INTEGER) OVER (ORDER BY first_page) AS area FROM ranked)
  GROUP BY area
),
names AS (  -- every distinct mapping that lay in an area, its size counted once
  SELECT a.area, m.name, sum(m.end_addr - m.start_addr) AS bytes
  FROM areas AS a
  JOIN (
    SELECT DISTINCT start_addr, end_addr, name FROM mapping
    WHERE run_id = run AND target_id = (SELECT target_id FROM chosen)
  ) AS m ON m.start_addr < a.to_addr AND m.end_addr > a.from_addr
  GROUP BY ALL
)
SELECT
  a.area::INTEGER AS area,
  a.from_addr,
  a.to_addr,
  (SELECT list(coalesce(n.name, 'anonymous') ORDER BY n.bytes DESC, n.name) FROM names AS n WHERE n.area = a.area) AS names,
  a.heat
FROM areas AS a
ORDER BY a.area;

COMMENT ON MACRO TABLE address_areas IS 'The areas of watched memory of a run, with the huge holes between them cut out.';
