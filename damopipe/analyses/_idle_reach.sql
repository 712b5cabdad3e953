-- How far back each snapshot of a run can tell of idle memory: since DAMON began to look.
-- requires: nothing
-- Ages that are too high for a first aggregation tell that DAMON had begun before the recording did. Without ages nothing is
-- known but the newest aggregation. Windows instead of joins, since a join of snapshots with their targets looks to the
-- optimizer like the square of them, and it would then build its hash table of all regions.
CREATE OR REPLACE MACRO _idle_reach(run, target := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
WITH ends AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    aggr_us::DOUBLE AS aggr_us,
    epoch_ns(ts) / 1000.0 AS end_us,
    epoch_ns(coalesce(start_ts, lag(ts) OVER earlier)) / 1000.0 AS start_us,
    row_number() OVER earlier = 1 AS is_first
  FROM snapshot
  WHERE run_id = run AND (target IS NULL OR target_id = target)
  WINDOW earlier AS (PARTITION BY target_id ORDER BY ts)
),
oldest AS (
  SELECT target_id, ts, max(age) AS age
  FROM _region
  WHERE run_id = run AND (ts, target_id) IN (SELECT (ts, target_id) FROM ends WHERE is_first)
  GROUP BY target_id, ts
),
begun AS (
  SELECT
    e.*,
    first_value(CASE
      WHEN o.age > 1 THEN e.end_us - (o.age + 1::DOUBLE) * e.aggr_us
      WHEN o.age IS NOT NULL THEN coalesce(e.start_us, e.end_us - e.aggr_us)
    END) OVER (PARTITION BY e.target_id ORDER BY e.ts) AS begin_us,
    median(e.end_us - e.start_us) OVER (PARTITION BY e.target_id) AS usual_us
  FROM ends AS e
  LEFT JOIN oldest AS o USING (target_id, ts)
)
SELECT
  target_id,
  ts,
  aggr_us,
  CASE WHEN begin_us IS NULL THEN aggr_us ELSE least(greatest(end_us - begin_us, aggr_us), 9e18) END AS known_us,
  coalesce(end_us - start_us, usual_us, 1) AS lasted_us
FROM begun
WHERE (from_ts IS NULL OR ts >= from_ts::TIMESTAMP_NS)
  AND (to_ts IS NULL OR ts <= to_ts::TIMESTAMP_NS);

COMMENT ON MACRO TABLE _idle_reach IS 'How far back each snapshot of a run can tell of idle memory: since DAMON began to look.';
