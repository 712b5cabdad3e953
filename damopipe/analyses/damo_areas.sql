-- Which addresses a run watched, and how hot they are, as `damo report heatmap --guide` prints them.
-- requires: _damo_snapshots, region
-- A hole is what no snapshot watched. from_ns is where the ages of the first snapshot reach back to, to_ns the end of the last,
-- both on the recording's clock. heat is the bytes of regions times their samples, by byte of the area; the hottest is what
-- damo's heat map draws unless told otherwise. Two bugs of damo are left out: that address 0 is none, and that holes of later
-- snapshots are kept once the first have none in common.
-- Columns: target_id, area from 0, from_addr, to_addr, heat, is_hottest, from_ns, to_ns.
CREATE OR REPLACE MACRO damo_areas(run, target := NULL) AS TABLE
WITH snapshots AS MATERIALIZED (
  FROM _damo_snapshots(run, target := target)
),
regions AS MATERIALIZED (
  SELECT r.target_id, r.start_addr, r.end_addr, sum(coalesce(r.nr_accesses, 0))::DOUBLE * (r.end_addr - r.start_addr) AS heat
  FROM region AS r
  WHERE r.run_id = run AND (target IS NULL OR r.target_id = target)
  GROUP BY r.target_id, r.start_addr, r.end_addr
),
apart AS (
  SELECT
    *,
    start_addr > max(end_addr) OVER (
      PARTITION BY target_id ORDER BY start_addr, end_addr ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS is_new
  FROM regions
),
areas AS (
  SELECT target_id, area, min(start_addr) AS from_addr, max(end_addr) AS to_addr, sum(heat) AS heat
  FROM (
    SELECT *, sum(coalesce(is_new, false)::INTEGER) OVER (PARTITION BY target_id ORDER BY start_addr, end_addr) AS area
    FROM apart
  )
  GROUP BY target_id, area
),
began AS (
  SELECT s.target_id, min(s.start_ns - coalesce(r.age * s.aggr_us * 1000, 0))::BIGINT AS from_ns
  FROM snapshots AS s
  JOIN region AS r ON r.run_id = run AND r.target_id = s.target_id AND r.ts = s.ts
  WHERE s.number = 0
  GROUP BY s.target_id
),
ended AS (
  SELECT target_id, max(end_ns) AS to_ns FROM snapshots GROUP BY target_id
)
SELECT
  a.target_id,
  a.area::INTEGER AS area,
  a.from_addr,
  a.to_addr,
  a.heat / (a.to_addr - a.from_addr) AS heat,
  row_number() OVER (PARTITION BY a.target_id ORDER BY a.heat / (a.to_addr - a.from_addr) DESC, a.area) = 1 AS is_hottest,
  b.from_ns,
  e.to_ns
FROM areas AS a
JOIN began AS b USING (target_id)
JOIN ended AS e USING (target_id)
ORDER BY a.target_id, a.area;

COMMENT ON MACRO TABLE damo_areas IS
  'Which addresses a run watched, and how hot they are, as `damo report heatmap --guide` prints them.';
