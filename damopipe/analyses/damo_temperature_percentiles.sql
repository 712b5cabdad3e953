-- The temperature of each snapshot's memory by percentile, as damo's temperature-percentiles.
-- requires: damo_regions
-- The regions of a snapshot from the least temperature up: at percentile p is the first with which at least p % of its bytes are
-- reached, at 100 the last. A snapshot of which any temperature is not known has no rows. passed: of the bytes
-- that passed the scheme's filters.
CREATE OR REPLACE MACRO damo_temperature_percentiles(
  run, target := NULL, size_weight := 0, access_weight := 100, age_weight := 100,
  percentiles := [0, 1, 25, 50, 75, 99, 100], passed := false
) AS TABLE
WITH ranked AS (
  SELECT
    target_id,
    ts,
    number,
    temperature,
    sum(bytes) OVER (PARTITION BY target_id, ts ORDER BY temperature) * 100 / sum(bytes) OVER whole AS reached,
    bool_or(temperature IS NULL) OVER whole AS has_gaps
  FROM (
    SELECT *, CASE WHEN passed THEN coalesce(filter_passed_bytes, 0) ELSE size_bytes END AS bytes
    FROM damo_regions(run, target := target, size_weight := size_weight, access_weight := access_weight, age_weight := age_weight)
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
  CASE WHEN s.percentile < 100 THEN min(r.temperature) ELSE max(r.temperature) END AS temperature
FROM ranked AS r
JOIN steps AS s ON r.reached >= s.percentile
WHERE NOT r.has_gaps
GROUP BY r.target_id, r.ts, r.number, s.percentile
ORDER BY r.target_id, r.ts, s.percentile;

COMMENT ON MACRO TABLE damo_temperature_percentiles IS
  'The temperature of each snapshot''s memory by percentile, as damo''s temperature-percentiles.';
