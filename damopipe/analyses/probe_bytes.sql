-- How much memory each data attribute probe hit in each snapshot, estimated from its samples.
-- requires: region
CREATE OR REPLACE VIEW probe_bytes AS
SELECT
  h.run_id,
  h.target_id,
  h.ts,
  h.probe,
  sum(CASE WHEN s.nr_samples > 0 THEN r.size_bytes * least(1, h.hits / s.nr_samples::DOUBLE) END)::UBIGINT AS hit_bytes,
  sum(r.size_bytes)::UBIGINT AS watched_bytes
FROM probe_hit AS h
JOIN region AS r USING (run_id, target_id, ts, start_addr)
JOIN snapshot AS s USING (run_id, target_id, ts)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON VIEW probe_bytes IS 'How much memory each data attribute probe hit in each snapshot, estimated from its samples.';
COMMENT ON COLUMN probe_bytes.run_id IS 'The run.';
COMMENT ON COLUMN probe_bytes.target_id IS 'The target.';
COMMENT ON COLUMN probe_bytes.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN probe_bytes.probe IS 'The probe, by its place in the context.';
COMMENT ON COLUMN probe_bytes.hit_bytes IS 'Each region''s size times the share of its samples that hit; NULL where their number is unknown.';
COMMENT ON COLUMN probe_bytes.watched_bytes IS 'Bytes of all regions of the snapshot.';
