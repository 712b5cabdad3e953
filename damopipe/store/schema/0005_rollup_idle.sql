-- Rollups of idle times and of what is told of each snapshot. What is rolled up has to have all of it, so rollups begin anew.

DELETE FROM _rollup_snapshot;
DELETE FROM _rollup_area;
DELETE FROM _rollup_level;
DELETE FROM _rollup_heat;

ALTER TABLE _rollup_snapshot ADD COLUMN nr_regions UINTEGER;
ALTER TABLE _rollup_snapshot ADD COLUMN smallest_bytes UBIGINT;
ALTER TABLE _rollup_snapshot ADD COLUMN median_bytes UBIGINT;
ALTER TABLE _rollup_snapshot ADD COLUMN largest_bytes UBIGINT;
ALTER TABLE _rollup_snapshot ADD COLUMN bandwidth_bytes_per_s DOUBLE;
COMMENT ON TABLE _rollup_snapshot IS 'The snapshots that are rolled up, with what the views tell of each.';
COMMENT ON COLUMN _rollup_snapshot.nr_regions IS 'As in the view nr_regions.';
COMMENT ON COLUMN _rollup_snapshot.smallest_bytes IS 'As in the view nr_regions.';
COMMENT ON COLUMN _rollup_snapshot.median_bytes IS 'As in the view nr_regions.';
COMMENT ON COLUMN _rollup_snapshot.largest_bytes IS 'As in the view nr_regions.';
COMMENT ON COLUMN _rollup_snapshot.bandwidth_bytes_per_s IS 'As in the view bandwidth.';

CREATE TABLE _rollup_idle (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  idle_us BIGINT,
  weight DOUBLE NOT NULL
);
COMMENT ON TABLE _rollup_idle IS 'How long memory had been idle, as a histogram for each minute; histograms of several minutes add up.';
COMMENT ON COLUMN _rollup_idle.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_idle.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_idle.ts IS 'The beginning of the minute in which the aggregations ended, UTC.';
COMMENT ON COLUMN _rollup_idle.idle_us IS
  'The longest idle time of a bucket, which is a 64th of its octave wide; NULL where idle times are not known.';
COMMENT ON COLUMN _rollup_idle.weight IS 'The sum of bytes × microseconds that they were so.';

CREATE TABLE _rollup_idle_part (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  window_us BIGINT,
  bytes DOUBLE NOT NULL
);
COMMENT ON TABLE _rollup_idle_part IS 'The bytes of each snapshot by the shortest window of time in which they were touched.';
COMMENT ON COLUMN _rollup_idle_part.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_idle_part.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_idle_part.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN _rollup_idle_part.window_us IS 'The window; 0 for what was accessed, -1 for an unknown one, NULL where no access count is known.';
COMMENT ON COLUMN _rollup_idle_part.bytes IS 'The bytes of those regions.';
