-- How much memory of each snapshot has which value, in damo's ten bins.
-- requires: _damo_values
-- From the least value up, each bin is ceil((most + 1 - least) / 10) wide; from_value belongs to a bin, to_value to the next. A
-- snapshot of which any value is not known has no rows.
CREATE OR REPLACE MACRO _damo_histogram(
  run, kind, target := NULL, passed := false, access_weight := 100, age_weight := 100
) AS TABLE
WITH regions AS MATERIALIZED (
  SELECT target_id, ts, number, value::BIGINT AS value, bytes
  FROM _damo_values(
    run, kind, target := target, passed := passed, access_weight := access_weight, age_weight := age_weight
  )
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
  SELECT r.target_id, r.ts, (r.value - s.least) // s.width AS bin, sum(r.bytes) AS bytes
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
  coalesce(z.bytes, 0)::UBIGINT AS size_bytes
FROM bins AS b
LEFT JOIN sizes AS z USING (target_id, ts, bin)
ORDER BY b.target_id, b.ts, b.bin;

COMMENT ON MACRO TABLE _damo_histogram IS 'How much memory of each snapshot has which value, in damo''s ten bins.';
