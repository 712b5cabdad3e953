-- How much memory of each snapshot has which idle time, as damo's recency-sz-hist.
-- requires: damo_regions
-- Ten bins from the least idle time up, each ceil((most + 1 - least) / 10) wide; from_value belongs to
-- a bin, to_value to the next. A snapshot of which any idle time is not known has no rows. passed:
-- of the bytes that passed the scheme's filters.
CREATE OR REPLACE MACRO damo_recency_histogram(run, target := NULL, passed := false) AS TABLE
WITH regions AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    number,
    CASE WHEN passed THEN coalesce(filter_passed_bytes, 0) ELSE size_bytes END AS size_bytes,
    idle_us::BIGINT AS value
  FROM damo_regions(run, target := target)
),
spans AS (
  SELECT target_id, ts, number, min(value) AS least, ceil((max(value) + 1 - min(value)) / 10)::BIGINT AS width
  FROM regions
  GROUP BY target_id, ts, number
  HAVING count(*) = count(value)
),
bins AS (
  SELECT *, unnest(range(10)) AS bin FROM spans
),
sizes AS (
  SELECT r.target_id, r.ts, (r.value - s.least) // s.width AS bin, sum(r.size_bytes) AS size_bytes
  FROM regions AS r
  JOIN spans AS s USING (target_id, ts)
  GROUP BY ALL
)
SELECT
  b.target_id,
  b.ts,
  b.number,
  b.bin,
  b.least + b.bin * b.width AS from_value,
  b.least + (b.bin + 1) * b.width AS to_value,
  coalesce(z.size_bytes, 0)::UBIGINT AS size_bytes
FROM bins AS b
LEFT JOIN sizes AS z USING (target_id, ts, bin)
ORDER BY b.target_id, b.ts, b.bin;

COMMENT ON MACRO TABLE damo_recency_histogram IS
  'How much memory of each snapshot has which idle time, as damo''s recency-sz-hist.';
