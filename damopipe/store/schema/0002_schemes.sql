-- What data attribute probes found (Linux 7.2), and what quota goals are tuned by.

CREATE TABLE probe_hit (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  start_addr UBIGINT NOT NULL,
  probe UTINYINT NOT NULL,
  hits UINTEGER NOT NULL
);
COMMENT ON TABLE probe_hit IS 'How often a data attribute probe hit in a region of a snapshot.';
COMMENT ON COLUMN probe_hit.run_id IS 'The run.';
COMMENT ON COLUMN probe_hit.target_id IS 'The target.';
COMMENT ON COLUMN probe_hit.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN probe_hit.start_addr IS 'The first byte of the region.';
COMMENT ON COLUMN probe_hit.probe IS 'The probe, by its place in [[monitoring.probes]] of the context.';
COMMENT ON COLUMN probe_hit.hits IS 'Samples in which the region''s sampled page was what the probe is about; at most nr_samples.';

CREATE TABLE scheme_goal (
  run_id INTEGER NOT NULL,
  scheme_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  goal USMALLINT NOT NULL,
  current_value UBIGINT
);
COMMENT ON TABLE scheme_goal IS 'The current values of the goals that quotas are tuned towards, over time.';
COMMENT ON COLUMN scheme_goal.run_id IS 'The run.';
COMMENT ON COLUMN scheme_goal.scheme_id IS 'The scheme.';
COMMENT ON COLUMN scheme_goal.ts IS 'When it was read, UTC.';
COMMENT ON COLUMN scheme_goal.goal IS 'The goal, by its place in the scheme; scheme.definition has its metric and target.';
COMMENT ON COLUMN scheme_goal.current_value IS 'In the metric''s unit: user_input as fed, others measured as the kernel does; NULL for what only the kernel can.';
