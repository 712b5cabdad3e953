-- The regions of a run with one value each, and the bytes that it weighs.
-- requires: damo_regions
-- kind is 'recency' (the value is the idle time in us) or 'temperature'; passed weighs by the bytes that passed filters.
CREATE OR REPLACE MACRO _damo_values(
  run, kind, target := NULL, passed := false, size_weight := 0, access_weight := 100, age_weight := 100
) AS TABLE
SELECT
  target_id,
  ts,
  number,
  CASE WHEN kind = 'recency' THEN idle_us ELSE temperature END AS value,
  CASE WHEN passed THEN coalesce(filter_passed_bytes, 0) ELSE size_bytes END AS bytes
FROM damo_regions(
  run, target := target, size_weight := size_weight, access_weight := access_weight, age_weight := age_weight
);

COMMENT ON MACRO TABLE _damo_values IS 'The regions of a run with one value each, and the bytes that it weighs.';
