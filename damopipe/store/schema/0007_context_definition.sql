-- What a context was asked to be beyond its intervals and limits (goals of autotuning, probes, ranges), and limits of any size.

ALTER TABLE context ADD COLUMN definition JSON;
COMMENT ON COLUMN context.definition IS 'The whole context as planned, without its schemes; NULL where unknown, and in runs that are older than this column.';

-- The kernel's limits are 64 bits wide, and whoever wants no limit writes them so.
ALTER TABLE context ALTER COLUMN min_nr_regions TYPE UBIGINT;
ALTER TABLE context ALTER COLUMN max_nr_regions TYPE UBIGINT;
