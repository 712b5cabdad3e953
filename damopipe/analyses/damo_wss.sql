-- damo's working sets: one for each snapshot, or for each stretch of work_time_us.
-- requires: _damo_snapshots, region
-- The rules of `damo report wss`. The first exclude_samples snapshots are passed over. The others are taken together until they
-- last work_time_us (with 1 each is by itself; an unfinished last stretch is left out). Regions of at least acc_thres samples
-- and sz_thres bytes count. Taken together means: the regions of the first snapshot are the base; in each later one a base
-- region takes the most samples of the regions that touch it, however little; what is outside the base joins it; samples add up.
-- Of several targets each has its own rows; damo adds them by rank, the largest to the largest, which is left out.
-- Columns: target_id; number of the stretch; from_ns and to_ns on the recording's clock; wss_bytes.
CREATE OR REPLACE MACRO damo_wss(
  run, target := NULL, exclude_samples := 20, work_time_us := 1, acc_thres := 1, sz_thres := 1
) AS TABLE
WITH RECURSIVE taken AS MATERIALIZED (
  SELECT * FROM _damo_snapshots(run, target := target) WHERE number >= exclude_samples
),
ends AS MATERIALIZED (  -- where a stretch ends that begins with this snapshot
  SELECT t.target_id, t.number, e.number AS last
  FROM (SELECT *, start_ns + (work_time_us * 1000)::BIGINT AS until_ns FROM taken) AS t
  ASOF JOIN taken AS e ON e.target_id = t.target_id AND t.until_ns <= e.end_ns
),
chained AS (  -- only where there are stretches: otherwise it would be a step for each snapshot
  SELECT target_id, exclude_samples::BIGINT AS first, last
  FROM ends
  WHERE number = exclude_samples AND NOT (SELECT bool_and(last <= number) FROM ends)
  UNION ALL
  SELECT c.target_id, e.number AS first, e.last
  FROM chained AS c
  JOIN ends AS e ON e.target_id = c.target_id AND e.number = c.last + 1
),
stretches AS (
  SELECT target_id, first, last FROM chained
  UNION ALL
  SELECT target_id, number AS first, number AS last FROM ends WHERE (SELECT bool_and(last <= number) FROM ends)
),
placed AS MATERIALIZED (  -- by itself, so that regions are joined to what is small
  SELECT s.target_id, s.first, s.last, t.number, t.ts
  FROM stretches AS s
  JOIN taken AS t ON t.target_id = s.target_id AND t.number BETWEEN s.first AND s.last
),
regions AS MATERIALIZED (
  SELECT p.target_id, p.first, p.last, p.number, r.start_addr, r.end_addr, r.nr_accesses::UBIGINT AS samples
  FROM region AS r
  JOIN placed AS p USING (ts, target_id)
  WHERE r.run_id = run
),
together AS MATERIALIZED (
  FROM regions WHERE last > first
),
segments AS MATERIALIZED (  -- what lies between two bounds of any region of a stretch
  SELECT target_id, first, addr, lead(addr) OVER (PARTITION BY target_id, first ORDER BY addr) AS end_addr
  FROM (
    SELECT target_id, first, start_addr AS addr FROM together
    UNION
    SELECT target_id, first, end_addr AS addr FROM together
  )
),
covered AS MATERIALIZED (
  SELECT g.target_id, g.first, g.addr, g.end_addr, r.number, r.start_addr AS owner, r.samples
  FROM segments AS g
  JOIN together AS r
    ON r.target_id = g.target_id AND r.first = g.first AND r.start_addr <= g.addr AND r.end_addr > g.addr
),
joined AS (  -- which snapshot and which of its regions brought a segment in
  SELECT target_id, first, addr, end_addr, min(number) AS number, arg_min(owner, number) AS owner
  FROM covered
  GROUP BY target_id, first, addr, end_addr
),
bases AS MATERIALIZED (  -- segments beside each other that came in together are one base region
  SELECT
    *,
    sum(is_new::INTEGER) OVER (PARTITION BY target_id, first ORDER BY addr) AS base
  FROM (
    SELECT
      *,
      coalesce((number, owner, addr) != lag((number, owner, end_addr)) OVER (PARTITION BY target_id, first ORDER BY addr), true)
        AS is_new
    FROM joined
  )
),
sizes AS (
  SELECT target_id, first, base, (max(end_addr) - min(addr))::UBIGINT AS size_bytes
  FROM bases
  GROUP BY target_id, first, base
),
most AS (
  SELECT b.target_id, b.first, b.base, c.number, max(c.samples) AS samples
  FROM bases AS b
  JOIN covered AS c USING (target_id, first, addr)
  GROUP BY b.target_id, b.first, b.base, c.number
),
counted AS (
  SELECT target_id, first, size_bytes, samples
  FROM sizes
  JOIN (SELECT target_id, first, base, sum(samples) AS samples FROM most GROUP BY ALL) USING (target_id, first, base)
  UNION ALL
  SELECT target_id, first, end_addr - start_addr AS size_bytes, samples FROM regions WHERE last = first
),
found AS (
  SELECT target_id, first, sum(size_bytes) FILTER (WHERE samples >= acc_thres AND size_bytes >= sz_thres) AS wss_bytes
  FROM counted
  GROUP BY target_id, first
)
SELECT
  s.target_id,
  (row_number() OVER (PARTITION BY s.target_id ORDER BY s.first) - 1)::BIGINT AS number,
  b.start_ns AS from_ns,
  e.end_ns AS to_ns,
  coalesce(f.wss_bytes, 0)::UBIGINT AS wss_bytes
FROM stretches AS s
LEFT JOIN found AS f USING (target_id, first)
JOIN taken AS b ON b.target_id = s.target_id AND b.number = s.first
JOIN taken AS e ON e.target_id = s.target_id AND e.number = s.last
ORDER BY s.target_id, s.first;

COMMENT ON MACRO TABLE damo_wss IS 'damo''s working sets: one for each snapshot, or for each stretch of work_time_us.';
