-- How many regions each snapshot has, how large they are, and between which limits they were to be.
-- requires: _unrolled_region
CREATE OR REPLACE VIEW nr_regions AS
WITH regions AS (
  SELECT run_id, target_id, ts, (nr_pages * 4096::UBIGINT + size_rest)::UBIGINT AS size_bytes FROM _unrolled_region
),
sizes AS (
  SELECT
    run_id,
    target_id,
    ts,
    count(*) AS nr_regions,
    min(size_bytes) AS smallest_bytes,
    quantile_disc(size_bytes, 0.5) AS median_bytes,
    max(size_bytes) AS largest_bytes
  FROM regions
  GROUP BY run_id, target_id, ts
  UNION ALL
  SELECT run_id, target_id, ts, nr_regions, smallest_bytes, median_bytes, largest_bytes FROM _rollup_snapshot
)
SELECT
  s.run_id,
  s.target_id,
  s.ts,
  coalesce(s.nr_regions, z.nr_regions, 0)::UINTEGER AS nr_regions,
  z.smallest_bytes,
  z.median_bytes,
  z.largest_bytes,
  c.min_nr_regions,
  c.max_nr_regions
FROM snapshot AS s
LEFT JOIN sizes AS z USING (run_id, target_id, ts)
LEFT JOIN target AS t USING (run_id, target_id)
LEFT JOIN context AS c USING (run_id, context_id);

COMMENT ON VIEW nr_regions IS 'How many regions each snapshot has, how large they are, and between which limits they were to be.';
COMMENT ON COLUMN nr_regions.run_id IS 'The run.';
COMMENT ON COLUMN nr_regions.target_id IS 'The target.';
COMMENT ON COLUMN nr_regions.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN nr_regions.nr_regions IS 'How many regions it has.';
COMMENT ON COLUMN nr_regions.smallest_bytes IS 'The size of the smallest; NULL without regions.';
COMMENT ON COLUMN nr_regions.median_bytes IS 'The size of the middle one, the smaller of two; NULL without regions.';
COMMENT ON COLUMN nr_regions.largest_bytes IS 'The size of the largest; NULL without regions.';
COMMENT ON COLUMN nr_regions.min_nr_regions IS 'The lower limit of the context, for all its targets together; NULL where the backend has none.';
COMMENT ON COLUMN nr_regions.max_nr_regions IS 'The upper limit of the context, for all its targets together; NULL where the backend has none.';
