-- The regions of every snapshot that is not rolled up.
-- requires: nothing
CREATE OR REPLACE VIEW _unrolled_region AS
WITH unrolled AS (  -- runs of which nothing is: they need no join with their snapshots
  SELECT run_id FROM run WHERE run_id NOT IN (SELECT run_id FROM _rollup_snapshot)
),
fresh AS (
  SELECT run_id, target_id, ts
  FROM snapshot
  ANTI JOIN unrolled USING (run_id)
  ANTI JOIN _rollup_snapshot USING (run_id, target_id, ts)
)
SELECT r.* FROM _region AS r JOIN unrolled USING (run_id)
UNION ALL
SELECT r.* FROM _region AS r JOIN fresh USING (ts, run_id, target_id);

COMMENT ON VIEW _unrolled_region IS 'The regions of every snapshot that is not rolled up.';
COMMENT ON COLUMN _unrolled_region.run_id IS 'The run.';
COMMENT ON COLUMN _unrolled_region.target_id IS 'The target.';
COMMENT ON COLUMN _unrolled_region.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN _unrolled_region.start_page IS 'As in _region.';
COMMENT ON COLUMN _unrolled_region.start_rest IS 'As in _region.';
COMMENT ON COLUMN _unrolled_region.nr_pages IS 'As in _region.';
COMMENT ON COLUMN _unrolled_region.size_rest IS 'As in _region.';
COMMENT ON COLUMN _unrolled_region.nr_accesses IS 'Samples that found it accessed; NULL where unknown.';
COMMENT ON COLUMN _unrolled_region.age IS 'As in _region.';
COMMENT ON COLUMN _unrolled_region.filter_passed_bytes IS 'As in _region.';
COMMENT ON COLUMN _unrolled_region.referenced_bytes IS 'As in _region.';
