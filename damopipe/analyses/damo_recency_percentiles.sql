-- The idle time of each snapshot's memory by percentile, as damo's recency-percentiles.
-- requires: damo_regions
-- The regions of a snapshot from the least idle time up: at percentile p is the first with which at least p % of its bytes are
-- reached. A snapshot of which any idle time is not known has no rows.
CREATE OR REPLACE MACRO damo_recency_percentiles(
  run, target := NULL,
  percentiles := [0, 1, 25, 50, 75, 99, 100]
) AS TABLE
WITH ranked AS (
  SELECT
    target_id,
    ts,
    number,
    idle_us,
    sum(size_bytes) OVER (PARTITION BY target_id, ts ORDER BY idle_us) * 100 / sum(size_bytes) OVER whole AS reached,
    bool_or(idle_us IS NULL) OVER whole AS has_gaps
  FROM damo_regions(run, target := target)
  WINDOW whole AS (PARTITION BY target_id, ts)
),
steps AS (
  SELECT unnest(percentiles)::DOUBLE AS percentile
)
SELECT r.target_id, r.ts, r.number, s.percentile, min(r.idle_us) AS idle_us
FROM ranked AS r
JOIN steps AS s ON r.reached >= s.percentile
WHERE NOT r.has_gaps
GROUP BY r.target_id, r.ts, r.number, s.percentile
ORDER BY r.target_id, r.ts, s.percentile;

COMMENT ON MACRO TABLE damo_recency_percentiles IS
  'The idle time of each snapshot''s memory by percentile, as damo''s recency-percentiles.';
