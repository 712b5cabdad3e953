-- The regions of every snapshot, with addresses in bytes.
-- requires: nothing
CREATE OR REPLACE VIEW region AS
SELECT
  run_id,
  target_id,
  ts,
  (start_page * 4096::UBIGINT + start_rest)::UBIGINT AS start_addr,
  ((start_page + nr_pages) * 4096::UBIGINT + start_rest + size_rest)::UBIGINT AS end_addr,
  (nr_pages * 4096::UBIGINT + size_rest)::UBIGINT AS size_bytes,
  nr_accesses,
  age,
  filter_passed_bytes,
  referenced_bytes
FROM _region;

COMMENT ON VIEW region IS 'The regions of every snapshot, with addresses in bytes.';
COMMENT ON COLUMN region.run_id IS 'The run.';
COMMENT ON COLUMN region.target_id IS 'The target.';
COMMENT ON COLUMN region.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN region.start_addr IS 'The first byte.';
COMMENT ON COLUMN region.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN region.size_bytes IS 'end_addr - start_addr.';
COMMENT ON COLUMN region.nr_accesses IS 'Samples that found it accessed; snapshot.nr_samples is the most there can be. NULL where unknown.';
COMMENT ON COLUMN region.age IS 'Aggregations for which nr_accesses stayed similar; NULL where the recording has none.';
COMMENT ON COLUMN region.filter_passed_bytes IS 'Bytes that passed the scheme''s filters; NULL without filters.';
COMMENT ON COLUMN region.referenced_bytes IS 'Bytes referenced in the busiest sampling interval, exact (procfs); NULL elsewhere.';
