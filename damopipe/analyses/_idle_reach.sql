-- How far back each snapshot of a run can tell of idle memory: as far as DAMON has looked.
-- requires: _is_asked, _is_within
-- As ages do, it counts aggregations at the interval in force, whatever they really took: one a snapshot, more where there is a
-- gap before it. Ages that are too high for a first aggregation tell that DAMON had begun before the recording did. Without
-- ages nothing is known but the newest aggregation. Windows instead of joins, since a join of snapshots with their targets
-- looks to the optimizer like the square of them, and it would then build its hash table of all regions.
-- With `unrolled` only snapshots that are not rolled up; with `by_minute` also those of minutes that are not asked for as a whole.
CREATE OR REPLACE MACRO _idle_reach(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, unrolled := false, by_minute := false
) AS TABLE
WITH ends AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    aggr_us::DOUBLE AS aggr_us,
    epoch_ns(ts) / 1000.0 AS end_us,
    epoch_ns(start_ts) / 1000.0 AS start_us,
    epoch_ns(lag(ts) OVER earlier) / 1000.0 AS before_us,
    row_number() OVER earlier = 1 AS is_first
  FROM snapshot
  WHERE run_id = run AND _is_asked(run, target_id, target, context)
  WINDOW earlier AS (PARTITION BY target_id ORDER BY ts)
),
oldest AS (
  SELECT target_id, ts, max(age) AS age
  FROM _region
  WHERE run_id = run AND (ts, target_id) IN (SELECT (ts, target_id) FROM ends WHERE is_first)
  GROUP BY target_id, ts
),
lengths AS (
  SELECT
    *,
    end_us - coalesce(start_us, before_us) AS lasted_us,
    median(end_us - coalesce(start_us, before_us)) OVER (PARTITION BY target_id) AS usual_us
  FROM ends
),
counted AS (
  SELECT
    s.*,
    first_value(o.age) OVER in_time IS NOT NULL AS has_ages,
    sum(s.aggr_us * CASE
      WHEN s.is_first AND o.age > 1 THEN o.age + 1::DOUBLE
      WHEN s.start_us > s.before_us AND s.usual_us > 0 THEN 1 + floor((s.start_us - s.before_us) / s.usual_us)
      ELSE 1
    END) OVER in_time AS looked_us
  FROM lengths AS s
  LEFT JOIN oldest AS o USING (target_id, ts)
  WINDOW in_time AS (PARTITION BY s.target_id ORDER BY s.ts)
)
SELECT
  target_id,
  ts,
  aggr_us,
  CASE WHEN has_ages THEN least(looked_us, 9e18) ELSE aggr_us END AS known_us,
  coalesce(lasted_us, usual_us, 1) AS lasted_us
FROM counted
WHERE _is_within(ts, from_ts, to_ts)
  AND (
    NOT unrolled
    OR (target_id, ts) NOT IN (SELECT (target_id, ts) FROM _rollup_snapshot WHERE run_id = run)
    OR by_minute AND (from_ts IS NOT NULL AND epoch_ns(ts) // 60_000_000_000 * 60_000_000_000 < epoch_ns(from_ts::TIMESTAMP_NS)
      OR to_ts IS NOT NULL AND (epoch_ns(ts) // 60_000_000_000 + 1) * 60_000_000_000 - 1 > epoch_ns(to_ts::TIMESTAMP_NS))
  );

COMMENT ON MACRO TABLE _idle_reach IS
  'How far back each snapshot of a run can tell of idle memory: as far as DAMON has looked.';
