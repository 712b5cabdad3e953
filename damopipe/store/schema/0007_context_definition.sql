-- What a context was asked to be beyond its intervals and limits: goals of autotuning, probes, ranges.

ALTER TABLE context ADD COLUMN definition JSON;
COMMENT ON COLUMN context.definition IS 'The whole context as planned, without its schemes; NULL where unknown, and in runs that are older than this column.';
