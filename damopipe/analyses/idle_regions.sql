-- Every region of a run with how long it is known to have been idle; NULL where that is not known.
-- requires: _idle_reach
-- A region of age a without an access has been idle for the a aggregations that were like the newest, and for that one; no
-- longer than DAMON has looked. `unrolled` and `by_minute` are as in _idle_reach: for analyses that know the rest from rollups.
CREATE OR REPLACE MACRO idle_regions(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, unrolled := false, by_minute := false
) AS TABLE
WITH reach AS MATERIALIZED (  -- small, and so what regions are joined to
  FROM _idle_reach(
    run, target := target, context := context, from_ts := from_ts, to_ts := to_ts, unrolled := unrolled, by_minute := by_minute
  )
)
SELECT
  r.target_id,
  r.ts,
  CASE
    WHEN r.nr_accesses > 0 THEN 0
    WHEN r.nr_accesses = 0 THEN CASE
      WHEN (r.age + 1::DOUBLE) * k.aggr_us < k.known_us THEN (r.age + 1::DOUBLE) * k.aggr_us
      WHEN (r.age + 1::DOUBLE) * k.aggr_us >= k.known_us THEN k.known_us
    END
  END::BIGINT AS idle_us,
  r.nr_accesses > 0 AS is_accessed,
  r.nr_pages * 4096::UBIGINT + r.size_rest AS size_bytes,
  k.lasted_us
FROM _region AS r
JOIN reach AS k USING (ts, target_id)
WHERE r.run_id = run;

COMMENT ON MACRO TABLE idle_regions IS
  'Every region of a run with how long it is known to have been idle; NULL where that is not known.';
