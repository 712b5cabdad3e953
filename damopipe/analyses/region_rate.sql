-- The regions of every snapshot with their access rate, in shares and per second, and their ages in time.
-- requires: region
CREATE OR REPLACE VIEW region_rate AS
SELECT
  r.run_id,
  r.target_id,
  r.ts,
  r.start_addr,
  r.end_addr,
  r.size_bytes,
  r.nr_accesses,
  r.age,
  -- Timers are late at times, and then there is a sample more than an aggregation has.
  CASE WHEN r.nr_accesses >= s.nr_samples THEN 1 WHEN s.nr_samples > 0 THEN r.nr_accesses / s.nr_samples::DOUBLE END::DOUBLE
    AS access_rate,
  CASE WHEN s.aggr_us > 0 THEN r.nr_accesses * (1e6::DOUBLE / s.aggr_us) END AS access_hz,
  (r.age * s.aggr_us)::UBIGINT AS age_us,
  CASE WHEN r.nr_accesses > 0 THEN 0 WHEN r.nr_accesses = 0 THEN (r.age + 1::UBIGINT) * s.aggr_us END::UBIGINT AS idle_us
FROM region AS r
LEFT JOIN snapshot AS s USING (run_id, target_id, ts);

COMMENT ON VIEW region_rate IS 'The regions of every snapshot with their access rate, in shares and per second, and their ages in time.';
COMMENT ON COLUMN region_rate.run_id IS 'The run.';
COMMENT ON COLUMN region_rate.target_id IS 'The target.';
COMMENT ON COLUMN region_rate.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN region_rate.start_addr IS 'The first byte.';
COMMENT ON COLUMN region_rate.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN region_rate.size_bytes IS 'end_addr - start_addr.';
COMMENT ON COLUMN region_rate.nr_accesses IS 'Samples that found it accessed; NULL where unknown.';
COMMENT ON COLUMN region_rate.age IS 'Aggregations for which nr_accesses stayed similar; NULL where the recording has none.';
COMMENT ON COLUMN region_rate.access_rate IS 'The share of the aggregation''s samples that found it accessed, 0 to 1; NULL where their number is unknown.';
COMMENT ON COLUMN region_rate.access_hz IS 'Samples a second that found it accessed: at most one a sampling interval. NULL where the aggregation interval is unknown.';
COMMENT ON COLUMN region_rate.age_us IS 'The age as a time, by the aggregation interval in force; NULL where either is unknown.';
COMMENT ON COLUMN region_rate.idle_us IS 'For how long it has not been accessed, 0 where it was: age_us and this aggregation, as in idle_regions. NULL where unknown. damo takes less than 1 % for none.';
