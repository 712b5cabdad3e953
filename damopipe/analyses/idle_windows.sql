-- How many bytes of each snapshot were touched within windows of time that end with it.
-- requires: _idle_reach, _idle_parts
-- The windows are the shortest aggregation, and the round times above it. A snapshot can tell of a window that is not
-- shorter than its aggregation, nor longer than what is known before it; of no other it has a row.
CREATE OR REPLACE MACRO idle_windows(run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL) AS TABLE
WITH reach AS MATERIALIZED (
  FROM _idle_reach(run, target := target, context := context, from_ts := from_ts, to_ts := to_ts)
),
parts AS MATERIALIZED (
  FROM _idle_parts(run, target := target, context := context, from_ts := from_ts, to_ts := to_ts)
),
told AS (
  SELECT
    r.target_id,
    r.ts,
    r.aggr_us,
    CASE WHEN bool_or(p.window_us = -1) THEN r.aggr_us ELSE r.known_us END AS known_us,
    coalesce(sum(p.bytes), 0) AS watched_bytes
  FROM reach AS r
  LEFT JOIN parts AS p USING (target_id, ts)
  GROUP BY r.target_id, r.ts, r.aggr_us, r.known_us
  HAVING NOT coalesce(bool_or(p.bytes IS NOT NULL AND p.window_us IS NULL), false)
),
windows AS (
  SELECT target_id, min(aggr_us)::BIGINT AS window_us FROM reach GROUP BY target_id
  UNION
  SELECT target_id, unnest([
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000, 120_000_000, 300_000_000, 600_000_000,
    1_800_000_000, 3_600_000_000, 7_200_000_000, 18_000_000_000, 36_000_000_000, 86_400_000_000, 604_800_000_000
  ])::BIGINT AS window_us
  FROM (SELECT DISTINCT target_id FROM reach)
)
SELECT
  t.target_id,
  t.ts,
  w.window_us,
  coalesce(sum(p.bytes) FILTER (WHERE p.window_us >= 0 AND p.window_us <= w.window_us), 0)::UBIGINT AS touched_bytes,
  t.watched_bytes::UBIGINT AS watched_bytes
FROM told AS t
JOIN windows AS w USING (target_id)
LEFT JOIN parts AS p USING (target_id, ts)
WHERE w.window_us >= t.aggr_us AND w.window_us <= t.known_us
GROUP BY t.target_id, t.ts, w.window_us, t.watched_bytes;

COMMENT ON MACRO TABLE idle_windows IS 'How many bytes of each snapshot were touched within windows of time that end with it.';
