-- What DAMON_STAT tells of a machine's memory: how long each percent of it has been idle.

CREATE TABLE idle_percentile (
  run_id INTEGER NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  percentile UTINYINT NOT NULL,
  idle_ms BIGINT
);
COMMENT ON TABLE idle_percentile IS 'How long memory has been idle, by percentile of its bytes, as DAMON_STAT tells it.';
COMMENT ON COLUMN idle_percentile.run_id IS 'The run.';
COMMENT ON COLUMN idle_percentile.ts IS 'When the kernel was asked, UTC: when the percentiles are new, and every five seconds.';
COMMENT ON COLUMN idle_percentile.percentile IS '0 is the memory in use the most, 50 the median, 100 the memory idle the longest.';
COMMENT ON COLUMN idle_percentile.idle_ms IS 'For how long it has been idle; negative: for how long it has been in use (Linux 6.18; 0 before).';
