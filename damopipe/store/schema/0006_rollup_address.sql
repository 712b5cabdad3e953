-- Rollups of where memory was how hot over a run. What is rolled up has to have all of it, so rollups begin anew.

DELETE FROM _rollup_snapshot;
DELETE FROM _rollup_area;
DELETE FROM _rollup_level;
DELETE FROM _rollup_heat;
DELETE FROM _rollup_idle;
DELETE FROM _rollup_idle_part;

CREATE TABLE _rollup_address (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  bin_bits UBIGINT NOT NULL,
  bin UBIGINT NOT NULL,
  first_addr UBIGINT,
  last_addr UBIGINT,
  watched DOUBLE NOT NULL,
  watched_later DOUBLE NOT NULL,
  heat DOUBLE NOT NULL,
  heat_later DOUBLE NOT NULL,
  touched DOUBLE NOT NULL,
  touched_later DOUBLE NOT NULL
);
COMMENT ON TABLE _rollup_address IS
  'The edges of the regions that are rolled up, gathered in bins of addresses; rows of one bin add up.';
COMMENT ON COLUMN _rollup_address.run_id IS 'The run.';
COMMENT ON COLUMN _rollup_address.target_id IS 'The target.';
COMMENT ON COLUMN _rollup_address.bin_bits IS 'A bin is 2 ** bin_bits bytes.';
COMMENT ON COLUMN _rollup_address.bin IS 'The address divided by the size of a bin.';
COMMENT ON COLUMN _rollup_address.first_addr IS 'The lowest address in the bin at which a region begins; NULL where none does.';
COMMENT ON COLUMN _rollup_address.last_addr IS 'The highest address in the bin at which a region ends; NULL where none does.';
COMMENT ON COLUMN _rollup_address.watched IS 'For how many seconds longer than what is below the bin its end was watched.';
COMMENT ON COLUMN _rollup_address.watched_later IS 'The same times the bytes of the bin that lie below the edges.';
COMMENT ON COLUMN _rollup_address.heat IS 'As watched, times the access rate.';
COMMENT ON COLUMN _rollup_address.heat_later IS 'As watched_later, times the access rate.';
COMMENT ON COLUMN _rollup_address.touched IS 'As watched, of regions with an access, times the share that was referenced where that is known.';
COMMENT ON COLUMN _rollup_address.touched_later IS 'As watched_later, of the same.';
