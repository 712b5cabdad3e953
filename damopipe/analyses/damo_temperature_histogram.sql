-- How much memory of each snapshot has which temperature, as damo's temperature-sz-hist.
-- requires: damo_regions
-- Ten bins from the least temperature up, each ceil((most + 1 - least) / 10) wide; from_value belongs to
-- a bin, to_value to the next. A snapshot of which any temperature is not known has no rows. passed:
-- of the bytes that passed the scheme's filters.
-- damo leaves the weight of the size out of this one, and so does it.
CREATE OR REPLACE MACRO damo_temperature_histogram(run, target := NULL, access_weight := 100, age_weight := 100, passed := false) AS TABLE
WITH regions AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    number,
    CASE WHEN passed THEN coalesce(filter_passed_bytes, 0) ELSE size_bytes END AS size_bytes,
    temperature::BIGINT AS value
  FROM damo_regions(run, target := target, access_weight := access_weight, age_weight := age_weight)
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

COMMENT ON MACRO TABLE damo_temperature_histogram IS
  'How much memory of each snapshot has which temperature, as damo''s temperature-sz-hist.';
