-- The idle time of each snapshot's memory by percentile, as damo's recency-percentiles.
-- requires: damo_regions
-- The regions of a snapshot from the least idle time up: at percentile p is the first with which at least p % of its bytes are
-- reached, at 100 the last. A snapshot of which any idle time is not known has no rows. passed: of the bytes
-- that passed the scheme's filters.
CREATE OR REPLACE MACRO damo_recency_percentiles(
  run, target := NULL,
  percentiles := [0, 1, 25, 50, 75, 99, 100], passed := false
) AS TABLE
WITH ranked AS (
  SELECT
    target_id,
    ts,
    number,
    idle_us,
    sum(bytes) OVER (PARTITION BY target_id, ts ORDER BY idle_us) * 100 / sum(bytes) OVER whole AS reached,
    bool_or(idle_us IS NULL) OVER whole AS has_gaps
  FROM (
    SELECT *, CASE WHEN passed THEN coalesce(filter_passed_bytes, 0) ELSE size_bytes END AS bytes
    FROM damo_regions(run, target := target)
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
  CASE WHEN s.percentile < 100 THEN min(r.idle_us) ELSE max(r.idle_us) END AS idle_us
FROM ranked AS r
JOIN steps AS s ON r.reached >= s.percentile
WHERE NOT r.has_gaps
GROUP BY r.target_id, r.ts, r.number, s.percentile
ORDER BY r.target_id, r.ts, s.percentile;

COMMENT ON MACRO TABLE damo_recency_percentiles IS
  'The idle time of each snapshot''s memory by percentile, as damo''s recency-percentiles.';
