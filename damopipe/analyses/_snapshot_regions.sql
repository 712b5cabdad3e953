-- The regions of snapshots of a run, with their rates, ages and mappings.
-- requires: region_rate, _is_asked
-- With `newest` those of one snapshot of each target: the last whose aggregation had begun by `to_ns`; without, those of all
-- that ended from `from_ns` to `to_ns`. Columns as in snapshot_at.
CREATE OR REPLACE MACRO _snapshot_regions(
  run, from_ns, to_ns, newest, target := NULL, context := NULL, from_addr := NULL, to_addr := NULL
) AS TABLE
WITH begun AS (
  SELECT target_id, ts
  FROM (
    SELECT target_id, ts, epoch_ns(coalesce(start_ts, lag(ts) OVER (PARTITION BY target_id ORDER BY ts), ts)) AS start_ns
    FROM snapshot
    WHERE run_id = run AND _is_asked(run, target_id, target, context)
  )
  WHERE CASE WHEN newest THEN start_ns <= to_ns ELSE epoch_ns(ts) BETWEEN from_ns AND to_ns END
),
chosen AS (
  SELECT target_id, unnest(CASE WHEN newest THEN [max(ts)] ELSE list(ts) END) AS ts FROM begun GROUP BY target_id
),
found AS MATERIALIZED (
  SELECT r.*, r.start_addr - min(r.start_addr) OVER (PARTITION BY r.target_id, r.ts) AS offset_bytes
  FROM region_rate AS r
  JOIN chosen USING (target_id, ts)
  WHERE r.run_id = run
),
cut AS MATERIALIZED (  -- to the addresses asked for
  SELECT
    *,
    CASE WHEN start_addr < from_addr::UBIGINT THEN from_addr::UBIGINT - start_addr ELSE 0 END AS cut_bytes,
    start_addr + cut_bytes AS low,
    CASE WHEN end_addr > to_addr::UBIGINT THEN to_addr::UBIGINT ELSE end_addr END AS high
  FROM found
  WHERE (from_addr IS NULL OR end_addr > from_addr::UBIGINT) AND (to_addr IS NULL OR start_addr < to_addr::UBIGINT)
),
in_force AS (  -- all mappings of a target are written whenever one changed; the first ones may come after a snapshot
  SELECT c.target_id, c.ts, coalesce(max(m.ts) FILTER (WHERE m.ts <= c.ts), min(m.ts)) AS mapped_ts
  FROM chosen AS c
  JOIN (SELECT DISTINCT target_id, ts FROM mapping WHERE run_id = run) AS m USING (target_id)
  GROUP BY c.target_id, c.ts
),
shared AS (
  SELECT c.target_id, c.ts, c.low, m.name, sum(least(c.high, m.end_addr) - greatest(c.low, m.start_addr))::DOUBLE AS bytes
  FROM cut AS c
  JOIN (
    SELECT f.target_id, f.ts, m.start_addr, m.end_addr, m.name
    FROM mapping AS m
    JOIN in_force AS f ON f.target_id = m.target_id AND f.mapped_ts = m.ts
    WHERE m.run_id = run
  ) AS m ON m.target_id = c.target_id AND m.ts = c.ts AND m.start_addr < c.high AND m.end_addr > c.low
  GROUP BY c.target_id, c.ts, c.low, m.name
),
names AS (
  SELECT target_id, ts, low, arg_max_null(name, bytes) AS name FROM shared GROUP BY target_id, ts, low
)
SELECT
  c.target_id,
  c.ts,
  (epoch_ns(c.ts) - (SELECT epoch_ns(min(coalesce(start_ts, ts))) FROM snapshot WHERE run_id = run)) / 1e9::DOUBLE AS seconds,
  c.low AS start_addr,
  c.high AS end_addr,
  c.high - c.low AS size_bytes,
  c.offset_bytes + c.cut_bytes AS offset_bytes,
  c.nr_accesses,
  c.access_rate,
  c.access_hz,
  c.age_us,
  c.idle_us,
  n.name
FROM cut AS c
LEFT JOIN names AS n USING (target_id, ts, low)
ORDER BY c.ts, c.target_id, c.low;

COMMENT ON MACRO TABLE _snapshot_regions IS 'The regions of snapshots of a run, with their rates, ages and mappings.';
