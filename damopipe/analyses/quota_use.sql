-- How much of its quota each scheme has used since the record before, and how often the quota stopped it.
-- requires: scheme_effect
CREATE OR REPLACE VIEW quota_use AS
WITH asked AS (
  SELECT
    run_id,
    scheme_id,
    nullif((definition ->> '$.quota.size_bytes')::UBIGINT, 0) AS limit_bytes,
    nullif((definition ->> '$.quota.reset_interval_ms')::UBIGINT, 0) AS interval_ms
  FROM scheme
),
steps AS (
  SELECT
    run_id,
    scheme_id,
    ts,
    effective_quota_bytes,
    CASE WHEN qt_exceeds >= lag(qt_exceeds) OVER earlier THEN qt_exceeds - lag(qt_exceeds) OVER earlier ELSE qt_exceeds END
      AS exceeds,
    (epoch_ns(ts) - epoch_ns(lag(ts) OVER earlier)) / 1e6 AS passed_ms
  FROM scheme_stat
  WINDOW earlier AS (PARTITION BY run_id, scheme_id ORDER BY ts)
)
SELECT
  s.run_id,
  s.scheme_id,
  e.name,
  s.ts,
  a.limit_bytes,
  s.effective_quota_bytes,
  (e.tried_bytes * a.interval_ms / s.passed_ms)::DOUBLE AS tried_bytes_per_interval,
  (e.applied_bytes * a.interval_ms / s.passed_ms)::DOUBLE AS applied_bytes_per_interval,
  s.exceeds AS quota_exceeds
FROM steps AS s
JOIN asked AS a USING (run_id, scheme_id)
JOIN scheme_effect AS e USING (run_id, scheme_id, ts)
ORDER BY s.run_id, s.scheme_id, s.ts;

COMMENT ON VIEW quota_use IS 'How much of its quota each scheme has used since the record before, and how often the quota stopped it.';
COMMENT ON COLUMN quota_use.run_id IS 'The run.';
COMMENT ON COLUMN quota_use.scheme_id IS 'The scheme, counted over all contexts of the run.';
COMMENT ON COLUMN quota_use.name IS 'Its name in the pipeline.';
COMMENT ON COLUMN quota_use.ts IS 'When the kernel was asked.';
COMMENT ON COLUMN quota_use.limit_bytes IS 'The size quota of the pipeline for one reset interval; NULL without one.';
COMMENT ON COLUMN quota_use.effective_quota_bytes IS 'What the kernel allows an interval now, from size, time and goals; NULL where it does not tell.';
COMMENT ON COLUMN quota_use.tried_bytes_per_interval IS 'Bytes tried since the record before, for one reset interval; NULL for the first record, or without an interval.';
COMMENT ON COLUMN quota_use.applied_bytes_per_interval IS 'The same of what was applied.';
COMMENT ON COLUMN quota_use.quota_exceeds IS 'How often the quota stopped the scheme since the record before.';
