-- The temperature of each snapshot's memory by percentile, as damo's temperature-percentiles.
-- requires: _damo_percentiles
-- As damo_recency_percentiles, from the lowest temperature up. The weights are those of damo_regions.
-- Columns: target_id, ts, number of the snapshot, percentile, temperature.
CREATE OR REPLACE MACRO damo_temperature_percentiles(
  run, target := NULL, size_weight := 0, access_weight := 100, age_weight := 100, percentiles := [0, 1, 25, 50, 75, 99, 100],
  passed := false
) AS TABLE
SELECT target_id, ts, number, percentile, value AS temperature
FROM _damo_percentiles(
  run, 'temperature', percentiles, target := target, passed := passed, size_weight := size_weight,
  access_weight := access_weight, age_weight := age_weight
);

COMMENT ON MACRO TABLE damo_temperature_percentiles IS
  'The temperature of each snapshot''s memory by percentile, as damo''s temperature-percentiles.';
