-- How much memory of each snapshot has which idle time, as damo's recency-sz-hist.
-- requires: _damo_histogram
-- Ten bins from the least idle time up, each ceil((most + 1 - least) / 10) wide, in us; from_value belongs to a bin, to_value to
-- the next. A snapshot of which any idle time is not known has no rows. passed: of the bytes that passed the scheme's filters.
-- Columns: target_id, ts, number of the snapshot, bin, from_value, to_value, size_bytes.
CREATE OR REPLACE MACRO damo_recency_histogram(run, target := NULL, passed := false) AS TABLE
FROM _damo_histogram(run, 'recency', target := target, passed := passed);

COMMENT ON MACRO TABLE damo_recency_histogram IS
  'How much memory of each snapshot has which idle time, as damo''s recency-sz-hist.';
