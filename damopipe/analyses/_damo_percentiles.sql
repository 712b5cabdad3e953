-- The value of each snapshot's memory by percentile, by damo's rule.
-- requires: _damo_values
-- The regions of a snapshot from the least value up: at percentile p is the first with which at least p % of its bytes are
-- reached, at 100 the last. A snapshot of which any value is not known has no rows.
CREATE OR REPLACE MACRO _damo_percentiles(
  run, kind, percentiles, target := NULL, passed := false, size_weight := 0, access_weight := 100, age_weight := 100
) AS TABLE
WITH ranked AS (
  SELECT
    *,
    sum(bytes) OVER (PARTITION BY target_id, ts ORDER BY value) * 100 / sum(bytes) OVER whole AS reached,
    bool_or(value IS NULL) OVER whole AS has_gaps
  FROM _damo_values(
    run, kind, target := target, passed := passed, size_weight := size_weight, access_weight := access_weight,
    age_weight := age_weight
  )
  WINDOW whole AS (PARTITION BY target_id, ts)
),
steps AS (
  SELECT unnest(percentiles)::DOUBLE AS percentile
)
SELECT
  r.target_id,
  r.ts,
  r.number,
  s.percentile,
  CASE WHEN s.percentile < 100 THEN min(r.value) ELSE max(r.value) END AS value
FROM ranked AS r
JOIN steps AS s ON r.reached >= s.percentile
WHERE NOT r.has_gaps
GROUP BY r.target_id, r.ts, r.number, s.percentile
ORDER BY r.target_id, r.ts, s.percentile;

COMMENT ON MACRO TABLE _damo_percentiles IS 'The value of each snapshot''s memory by percentile, by damo''s rule.';
