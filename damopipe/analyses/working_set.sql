-- How many bytes each snapshot found accessed, beside how many it watched.
-- requires: _unrolled_region
CREATE OR REPLACE VIEW working_set AS
WITH per_snapshot AS (
  SELECT
    run_id,
    target_id,
    ts,
    sum(CASE
      WHEN referenced_bytes IS NOT NULL THEN referenced_bytes
      WHEN nr_accesses > 0 THEN nr_pages * 4096::UBIGINT + size_rest
      WHEN nr_accesses = 0 THEN 0
    END)::UBIGINT AS accessed_bytes,
    sum(nr_pages * 4096::UBIGINT + size_rest)::UBIGINT AS watched_bytes
  FROM _unrolled_region
  GROUP BY run_id, target_id, ts
  UNION ALL
  SELECT run_id, target_id, ts, accessed_bytes, watched_bytes FROM _rollup_snapshot WHERE watched_bytes IS NOT NULL
)
SELECT
  s.run_id,
  s.target_id,
  s.ts,
  CASE WHEN r.watched_bytes IS NULL THEN 0 ELSE r.accessed_bytes END::UBIGINT AS accessed_bytes,
  coalesce(r.watched_bytes, 0)::UBIGINT AS watched_bytes
FROM snapshot AS s
LEFT JOIN per_snapshot AS r USING (run_id, target_id, ts);

COMMENT ON VIEW working_set IS 'How many bytes each snapshot found accessed, beside how many it watched.';
COMMENT ON COLUMN working_set.run_id IS 'The run.';
COMMENT ON COLUMN working_set.target_id IS 'The target.';
COMMENT ON COLUMN working_set.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN working_set.accessed_bytes IS 'Bytes of regions with an access; from procfs the referenced bytes, exact. NULL where no access count is known.';
COMMENT ON COLUMN working_set.watched_bytes IS 'Bytes of all regions of the snapshot.';
