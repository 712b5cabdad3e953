-- The regions of each target at one time of a run, with their rates, ages and mappings.
-- requires: region_rate
-- `at_time` is in seconds since the run began (2.5), or with a unit ('500ms', '1m'), or a timestamp; 'latest' or nothing is
-- the last snapshot. A target's snapshot is the last whose aggregation had begun by then. Columns: target_id; ts and
-- seconds, the end of that aggregation; start_addr, end_addr, size_bytes; offset_bytes from its lowest address;
-- nr_accesses, access_rate, access_hz, age_us, idle_us as in region_rate; name of the mapping that most of it was.
CREATE OR REPLACE MACRO snapshot_at(run, at_time := NULL, target := NULL, from_addr := NULL, to_addr := NULL) AS TABLE
WITH began AS (
  SELECT epoch_ns(min(coalesce(start_ts, ts))) AS ns FROM snapshot WHERE run_id = run
),
given AS (  -- a number and an interval are since the run began
  SELECT
    coalesce(try_cast(at_time::VARCHAR AS DOUBLE), epoch(try_cast(at_time::VARCHAR AS INTERVAL))) AS seconds,
    try_cast(at_time::VARCHAR AS TIMESTAMP_NS) AS ts
),
asked AS (
  SELECT
    CASE
      WHEN at_time IS NULL OR lower(at_time::VARCHAR) = 'latest' THEN 9223372036854775807
      WHEN g.seconds IS NOT NULL THEN b.ns + (least(greatest(g.seconds, -1e9), 1e9) * 1e9)::BIGINT
      WHEN g.ts IS NOT NULL THEN epoch_ns(g.ts)
      ELSE error(
        'snapshot_at: ''' || at_time::VARCHAR || ''' is no time; give seconds since the run began like 2.5, ''500ms'', or ''latest'''
      )
    END AS at_ns
  FROM began AS b, given AS g
),
chosen AS (
  SELECT target_id, max(ts) AS ts
  FROM (
    SELECT target_id, ts, epoch_ns(coalesce(start_ts, lag(ts) OVER (PARTITION BY target_id ORDER BY ts), ts)) AS start_ns
    FROM snapshot
    WHERE run_id = run AND (target IS NULL OR target_id = target)
  )
  WHERE start_ns <= (SELECT at_ns FROM asked)
  GROUP BY target_id
),
found AS MATERIALIZED (
  SELECT r.*, r.start_addr - min(r.start_addr) OVER (PARTITION BY r.target_id) AS offset_bytes
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
  SELECT c.target_id, coalesce(max(m.ts) FILTER (WHERE m.ts <= c.ts), min(m.ts)) AS ts
  FROM chosen AS c
  JOIN (SELECT DISTINCT target_id, ts FROM mapping WHERE run_id = run) AS m USING (target_id)
  GROUP BY c.target_id
),
shared AS (
  SELECT c.target_id, c.low, m.name, sum(least(c.high, m.end_addr) - greatest(c.low, m.start_addr))::DOUBLE AS bytes
  FROM cut AS c
  JOIN (SELECT * FROM mapping JOIN in_force USING (target_id, ts) WHERE run_id = run) AS m
    ON m.target_id = c.target_id AND m.start_addr < c.high AND m.end_addr > c.low
  GROUP BY c.target_id, c.low, m.name
),
names AS (
  SELECT target_id, low, arg_max_null(name, bytes) AS name FROM shared GROUP BY target_id, low
)
SELECT
  c.target_id,
  c.ts,
  (epoch_ns(c.ts) - (SELECT ns FROM began)) / 1e9::DOUBLE AS seconds,
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
LEFT JOIN names AS n USING (target_id, low)
ORDER BY c.target_id, c.low;

COMMENT ON MACRO TABLE snapshot_at IS 'The regions of each target at one time of a run, with their rates, ages and mappings.';
