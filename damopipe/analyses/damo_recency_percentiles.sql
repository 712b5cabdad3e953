-- The idle time of each snapshot's memory by percentile, as damo's recency-percentiles.
-- requires: _damo_percentiles
-- The regions of a snapshot from the least idle time up: at percentile p is the first with which at least p % of its bytes are
-- reached, at 100 the last. A snapshot of which any idle time is not known has no rows. passed: of the bytes that passed the
-- scheme's filters. Columns: target_id, ts, number of the snapshot, percentile, idle_us.
CREATE OR REPLACE MACRO damo_recency_percentiles(
  run, target := NULL, percentiles := [0, 1, 25, 50, 75, 99, 100], passed := false
) AS TABLE
SELECT target_id, ts, number, percentile, value::BIGINT AS idle_us
FROM _damo_percentiles(run, 'recency', percentiles, target := target, passed := passed);

COMMENT ON MACRO TABLE damo_recency_percentiles IS
  'The idle time of each snapshot''s memory by percentile, as damo''s recency-percentiles.';
