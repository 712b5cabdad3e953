-- How many bytes of each snapshot a scheme of a pattern would select, for each of some minimum ages.
-- requires: _is_asked
-- Ages are DAMON's own, in aggregations times their interval, as a scheme compares them. Access rates are in samples; NULL
-- is no limit. One pass over the regions for all ages: a region counts for the highest age it has reached, and sums over
-- those above it are the rest.
CREATE OR REPLACE MACRO selected_bytes(
  run, ages_us := [1_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000, 120_000_000, 300_000_000, 600_000_000],
  min_accesses := 0, max_accesses := 0, min_size := 0, max_size := NULL, target := NULL, context := NULL
) AS TABLE
WITH ages AS (
  SELECT list_sort(list_distinct(ages_us))::DOUBLE[] AS sorted
),
looks AS MATERIALIZED (  -- small, and so what regions are joined to
  SELECT s.target_id, s.ts, s.aggr_us::DOUBLE AS aggr_us
  FROM snapshot AS s
  WHERE s.run_id = run AND _is_asked(run, s.target_id, target, context)
),
reached AS MATERIALIZED (
  SELECT
    r.target_id,
    r.ts,
    len(list_filter(a.sorted, lambda x: x <= r.age * k.aggr_us))::INTEGER AS level,
    sum((r.nr_pages * 4096::UBIGINT + r.size_rest)::DOUBLE) AS bytes
  FROM _region AS r
  JOIN looks AS k USING (ts, target_id)
  CROSS JOIN ages AS a
  WHERE r.run_id = run
    AND r.nr_accesses >= min_accesses
    AND (max_accesses IS NULL OR r.nr_accesses <= max_accesses)
    AND r.nr_pages * 4096::UBIGINT + r.size_rest >= min_size
    AND (max_size IS NULL OR r.nr_pages * 4096::UBIGINT + r.size_rest <= max_size)
    AND r.age IS NOT NULL
  GROUP BY ALL
),
wanted AS (
  SELECT k.target_id, k.ts, unnest(range(1, len(a.sorted) + 1))::INTEGER AS level, a.sorted
  FROM looks AS k CROSS JOIN ages AS a
  WHERE k.aggr_us > 0
)
SELECT
  w.target_id,
  w.ts,
  w.sorted[w.level]::BIGINT AS age_us,
  coalesce(sum(r.bytes) FILTER (WHERE r.level >= w.level), 0)::UBIGINT AS selected_bytes
FROM wanted AS w
LEFT JOIN reached AS r USING (target_id, ts)
GROUP BY w.target_id, w.ts, w.level, w.sorted
ORDER BY w.target_id, w.ts, age_us;

COMMENT ON MACRO TABLE selected_bytes IS
  'How many bytes of each snapshot a scheme of a pattern would select, for each of some minimum ages.';
