-- The memory bandwidth of each snapshot, estimated from accesses as DAMON_STAT does.
-- requires: _unrolled_region
-- The sum of size * nr_accesses over the regions, divided by the aggregation interval: every sample that found a region
-- accessed counts as one pass over all its bytes. That is estimated_memory_bandwidth of the kernel's DAMON_STAT
-- (Documentation/admin-guide/mm/damon/stat.rst), and damo's estimate.
CREATE OR REPLACE VIEW bandwidth AS
WITH passed AS (
  SELECT
    run_id,
    target_id,
    ts,
    sum((nr_pages * 4096::DOUBLE + size_rest) * nr_accesses) AS bytes,
    count(*) AS nr_regions
  FROM _unrolled_region
  GROUP BY run_id, target_id, ts
)
SELECT
  s.run_id,
  s.target_id,
  s.ts,
  CASE
    WHEN d.ts IS NOT NULL THEN d.bandwidth_bytes_per_s
    WHEN s.aggr_us > 0 THEN CASE WHEN p.nr_regions IS NULL THEN 0 ELSE p.bytes END * 1e6 / s.aggr_us
  END::DOUBLE AS bandwidth_bytes_per_s
FROM snapshot AS s
LEFT JOIN passed AS p USING (run_id, target_id, ts)
LEFT JOIN _rollup_snapshot AS d USING (run_id, target_id, ts);

COMMENT ON VIEW bandwidth IS 'The memory bandwidth of each snapshot, estimated from accesses as DAMON_STAT does.';
COMMENT ON COLUMN bandwidth.run_id IS 'The run.';
COMMENT ON COLUMN bandwidth.target_id IS 'The target.';
COMMENT ON COLUMN bandwidth.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN bandwidth.bandwidth_bytes_per_s IS 'Sum of size * nr_accesses / aggregation interval: an estimate to compare runs by, not traffic. Accesses between two samples count once, which makes it too low; a region counts as a whole. NULL where interval or accesses are unknown.';
