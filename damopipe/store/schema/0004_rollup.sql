-- Rollups: what charts need of long runs, summed beforehand, so that they need not read every region.
-- A snapshot is in them if _rollup_snapshot has it; every other is read as it was recorded. All their numbers add up, so a
-- later rollup adds rows for what is new, and nothing is ever made anew.

CREATE TABLE _rollup_snapshot (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  accessed_bytes UBIGINT,
  watched_bytes UBIGINT
);
COMMENT ON TABLE _rollup_snapshot IS 'The snapshots that are rolled up, with their working sets.';
COMMENT ON COLUMN _rollup_snapshot.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_snapshot.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_snapshot.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN _rollup_snapshot.accessed_bytes IS 'As in the view working_set; NULL where no access count is known.';
COMMENT ON COLUMN _rollup_snapshot.watched_bytes IS 'As in the view working_set; NULL where it has no regions.';

CREATE TABLE _rollup_area (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  chunk UBIGINT NOT NULL,
  first_page UBIGINT NOT NULL,
  end_page UBIGINT NOT NULL,
  low_addr UBIGINT NOT NULL,
  high_addr UBIGINT NOT NULL,
  heat DOUBLE NOT NULL
);
COMMENT ON TABLE _rollup_area IS 'Where the regions lay that are rolled up, by the 16 MiB in which they begin.';
COMMENT ON COLUMN _rollup_area.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_area.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_area.chunk IS 'The address of the first byte of a region, divided by 16 MiB.';
COMMENT ON COLUMN _rollup_area.first_page IS 'The lowest page of those regions.';
COMMENT ON COLUMN _rollup_area.end_page IS 'One past the highest page.';
COMMENT ON COLUMN _rollup_area.low_addr IS 'Their lowest address.';
COMMENT ON COLUMN _rollup_area.high_addr IS 'One past their highest address.';
COMMENT ON COLUMN _rollup_area.heat IS 'The sum of accesses × pages.';

CREATE TABLE _rollup_level (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  width_s INTEGER NOT NULL,
  cell_bytes UBIGINT NOT NULL
);
COMMENT ON TABLE _rollup_level IS 'The widths of time for which a target has rows in _rollup_heat.';
COMMENT ON COLUMN _rollup_level.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_level.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_level.width_s IS '1, 10 or 60 seconds.';
COMMENT ON COLUMN _rollup_level.cell_bytes IS 'The size of the cells that addresses are gathered in, a power of two.';

CREATE TABLE _rollup_heat (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  width_s INTEGER NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  cell UBIGINT NOT NULL,
  watched_us INTEGER NOT NULL,
  watched_later_us INTEGER NOT NULL,
  heat_us INTEGER NOT NULL,
  heat_later_us INTEGER NOT NULL
);
COMMENT ON TABLE _rollup_heat IS 'Heat maps as the differences at the edges of regions, summed over bins of time and cells of addresses.';
COMMENT ON COLUMN _rollup_heat.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_heat.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_heat.width_s IS 'The width of the bin of time.';
COMMENT ON COLUMN _rollup_heat.ts IS 'The beginning of the bin, a multiple of its width, UTC.';
COMMENT ON COLUMN _rollup_heat.cell IS 'The address divided by _rollup_level.cell_bytes.';
COMMENT ON COLUMN _rollup_heat.watched_us IS 'For how much longer than below the cell its end was watched within the bin.';
COMMENT ON COLUMN _rollup_heat.watched_later_us IS 'The part of that which is not there yet in the mean over the cell.';
COMMENT ON COLUMN _rollup_heat.heat_us IS 'As watched_us, times the access rate.';
COMMENT ON COLUMN _rollup_heat.heat_later_us IS 'As watched_later_us, times the access rate.';
