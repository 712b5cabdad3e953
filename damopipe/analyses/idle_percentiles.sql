-- How long watched memory has been idle, by percentile of its bytes over the time of a run; 0 is the memory in use.
-- requires: idle_regions, _is_asked, _is_within
-- The rule is the cumulative one: the shortest idle time within which at least that percentage of bytes × time is. A target
-- of which anything is not known (no ages) has no row: what is left would be too warm. A run of DAMON_STAT has no regions, but
-- its own percentiles: they are those of all memory, as target 0, each the mean over the times it was asked. Whole minutes that
-- are rolled up come from the rollup: then idle times above 64 aggregations are up to a 64th too long.
CREATE OR REPLACE MACRO idle_percentiles(run, step := 1, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
WITH times AS (
  SELECT target_id, idle_us, sum(weight) AS weight
  FROM (
    SELECT target_id, idle_us, sum(size_bytes::DOUBLE * lasted_us) AS weight
    FROM idle_regions(
      run, target := target, context := context, from_ts := from_ts, to_ts := to_ts, unrolled := true, by_minute := true
    )
    GROUP BY target_id, idle_us
    UNION ALL
    SELECT target_id, idle_us, weight
    FROM _rollup_idle
    WHERE run_id = run
      AND _is_asked(run, target_id, target, context)
      AND (from_ts IS NULL OR epoch_ns(ts) >= epoch_ns(from_ts::TIMESTAMP_NS))
      AND (to_ts IS NULL OR epoch_ns(ts) + 59_999_999_999 <= epoch_ns(to_ts::TIMESTAMP_NS))
  )
  GROUP BY target_id, idle_us
),
ranked AS (
  SELECT
    target_id,
    idle_us,
    100 * sum(weight) OVER (PARTITION BY target_id ORDER BY idle_us) / nullif(sum(weight) OVER whole, 0) AS reached,
    bool_or(idle_us IS NULL) OVER whole AS has_gaps
  FROM times
  WINDOW whole AS (PARTITION BY target_id)
),
steps AS (
  SELECT DISTINCT least(unnest(range(0, 100 + step, step)), 100)::DOUBLE AS percentile
),
told AS (  -- DAMON_STAT
  SELECT 0::USMALLINT AS target_id, percentile::DOUBLE AS percentile, avg(greatest(idle_ms, 0)) * 1000 AS idle_us
  FROM idle_percentile
  WHERE run_id = run
    AND _is_asked(run, 0, target, context)
    AND _is_within(ts, from_ts, to_ts)
  GROUP BY percentile
)
SELECT r.target_id, s.percentile, min(r.idle_us)::BIGINT AS idle_us
FROM steps AS s
-- Sums of doubles may end a hair below what they should.
JOIN ranked AS r ON r.reached >= s.percentile - 1e-9
WHERE NOT r.has_gaps
GROUP BY r.target_id, s.percentile
UNION ALL
SELECT t.target_id, t.percentile, t.idle_us::BIGINT AS idle_us
FROM told AS t
JOIN steps AS s USING (percentile)
ORDER BY target_id, percentile;

COMMENT ON MACRO TABLE idle_percentiles IS 'How long watched memory has been idle, by percentile of its bytes over the time of a run; 0 is the memory in use.';
