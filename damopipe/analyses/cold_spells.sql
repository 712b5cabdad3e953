-- For how long memory had been idle when that ended, and how many bytes were then touched, gone, or still idle at the end.
-- requires: region, _is_asked
-- Regions of neighbouring snapshots do not line up: what became of an idle region's bytes is the running sum of accessed (and
-- of idle) bytes of the next snapshot at its end less that at its start. `damopipe whatif` does the same, quicker.
-- Columns: ts, the snapshot that saw the end; age, of the region in the snapshot before, in aggregations; age_us; touched_bytes,
-- accessed now; gone_bytes, not watched any more or set back; idle_bytes, still idle when the recording ended.
CREATE OR REPLACE MACRO cold_spells(run, target := NULL, context := NULL) AS TABLE
WITH looks AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    aggr_us,
    lead(ts) OVER (PARTITION BY target_id ORDER BY ts) AS next_ts
  FROM snapshot
  WHERE run_id = run AND _is_asked(run, target_id, target, context)
),
sums AS MATERIALIZED (  -- of what is before each region, in its snapshot
  SELECT
    target_id,
    ts,
    start_addr,
    CASE WHEN nr_accesses > 0 THEN size_bytes ELSE 0 END::DOUBLE AS hot_size,
    CASE WHEN nr_accesses = 0 AND age > 0 THEN size_bytes ELSE 0 END::DOUBLE AS idle_size,
    sum(hot_size) OVER before AS hot_before,
    sum(idle_size) OVER before AS idle_before
  FROM region
  WHERE run_id = run AND _is_asked(run, target_id, target, context)
  WINDOW before AS (
    PARTITION BY target_id, ts ORDER BY start_addr ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  )
),
idle AS MATERIALIZED (
  SELECT r.target_id, r.ts, k.next_ts, k.aggr_us, r.age, r.start_addr, r.end_addr, r.size_bytes
  FROM region AS r
  JOIN looks AS k USING (ts, target_id)
  WHERE r.run_id = run AND r.nr_accesses = 0 AND r.age IS NOT NULL
),
edges AS (
  SELECT target_id, ts, next_ts, aggr_us, age, size_bytes, unnest([start_addr, end_addr]) AS addr, unnest([-1, 1]) AS sign
  FROM idle
  WHERE next_ts IS NOT NULL
),
told AS (
  SELECT
    e.target_id,
    e.next_ts AS ts,
    e.aggr_us,
    e.age,
    sum(e.sign * coalesce(s.hot_before, 0) + e.sign * least(coalesce(e.addr - s.start_addr, 0), coalesce(s.hot_size, 0)))
      AS touched_bytes,
    sum(e.sign * coalesce(s.idle_before, 0) + e.sign * least(coalesce(e.addr - s.start_addr, 0), coalesce(s.idle_size, 0)))
      AS stays,
    sum(e.size_bytes::DOUBLE) / 2 AS bytes
  FROM edges AS e
  ASOF LEFT JOIN sums AS s ON e.target_id = s.target_id AND e.next_ts = s.ts AND e.addr >= s.start_addr
  GROUP BY ALL
),
ended AS (
  SELECT target_id, ts, aggr_us, age, touched_bytes, bytes - stays - touched_bytes AS gone_bytes, 0 AS idle_bytes
  FROM told
  UNION ALL
  SELECT target_id, ts, aggr_us, age, 0, 0, sum(size_bytes::DOUBLE)
  FROM idle
  WHERE next_ts IS NULL
  GROUP BY ALL
)
SELECT
  target_id,
  ts,
  age,
  (age * aggr_us)::UBIGINT AS age_us,
  sum(touched_bytes)::UBIGINT AS touched_bytes,
  sum(gone_bytes)::UBIGINT AS gone_bytes,
  sum(idle_bytes)::UBIGINT AS idle_bytes
FROM ended
GROUP BY ALL
HAVING sum(touched_bytes) + sum(gone_bytes) + sum(idle_bytes) > 0
ORDER BY target_id, ts, age;

COMMENT ON MACRO TABLE cold_spells IS
  'For how long memory had been idle when that ended, and how many bytes were then touched, gone, or still idle at the end.';
