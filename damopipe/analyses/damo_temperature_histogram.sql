-- How much memory of each snapshot has which temperature, as damo's temperature-sz-hist.
-- requires: _damo_histogram
-- As damo_recency_histogram. The size has no weight in it: damo leaves it out here.
CREATE OR REPLACE MACRO damo_temperature_histogram(
  run, target := NULL, access_weight := 100, age_weight := 100, passed := false
) AS TABLE
FROM _damo_histogram(
  run, 'temperature', target := target, passed := passed, access_weight := access_weight, age_weight := age_weight
);

COMMENT ON MACRO TABLE damo_temperature_histogram IS
  'How much memory of each snapshot has which temperature, as damo''s temperature-sz-hist.';
