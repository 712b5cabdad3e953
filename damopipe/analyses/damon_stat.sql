-- How long memory has been idle, and the memory bandwidth, as DAMON_STAT told them over time.
-- requires: nothing
CREATE OR REPLACE VIEW damon_stat AS
WITH idle AS (
  SELECT
    run_id,
    ts,
    -- Each percentile stands for the hundredth of memory that begins at it; 100 is the end of the last one.
    count(*) FILTER (WHERE idle_ms <= 0 AND percentile < 100)::DOUBLE AS in_use_percent,
    max(idle_ms) FILTER (WHERE percentile = 25) AS idle_p25_ms,
    max(idle_ms) FILTER (WHERE percentile = 50) AS idle_p50_ms,
    max(idle_ms) FILTER (WHERE percentile = 75) AS idle_p75_ms,
    max(idle_ms) FILTER (WHERE percentile = 95) AS idle_p95_ms,
    max(idle_ms) FILTER (WHERE percentile = 100) AS idle_p100_ms
  FROM idle_percentile
  GROUP BY run_id, ts
),
told AS (
  SELECT
    run_id,
    ts,
    max(value) FILTER (WHERE name = 'damon_stat.estimated_memory_bandwidth')::UBIGINT AS bandwidth_bytes_per_s,
    max(value) FILTER (WHERE name = 'damon_stat.aggr_interval_us')::UBIGINT AS aggr_us
  FROM counter
  WHERE name IN ('damon_stat.estimated_memory_bandwidth', 'damon_stat.aggr_interval_us')
  GROUP BY run_id, ts
)
SELECT
  i.run_id,
  i.ts,
  i.in_use_percent,
  i.idle_p25_ms,
  i.idle_p50_ms,
  i.idle_p75_ms,
  i.idle_p95_ms,
  i.idle_p100_ms,
  t.bandwidth_bytes_per_s,
  t.aggr_us
FROM idle AS i
LEFT JOIN told AS t USING (run_id, ts)
ORDER BY i.run_id, i.ts;

COMMENT ON VIEW damon_stat IS 'How long memory has been idle, and the memory bandwidth, as DAMON_STAT told them over time.';
COMMENT ON COLUMN damon_stat.run_id IS 'The run.';
COMMENT ON COLUMN damon_stat.ts IS 'When the kernel was asked.';
COMMENT ON COLUMN damon_stat.in_use_percent IS 'The share of memory that was accessed in the newest aggregation, in whole percents.';
COMMENT ON COLUMN damon_stat.idle_p25_ms IS 'A quarter of memory has been idle for no longer than this; negative: in use for so long (Linux 6.18; 0 before).';
COMMENT ON COLUMN damon_stat.idle_p50_ms IS 'Half of memory has been idle for no longer than this; negative as above.';
COMMENT ON COLUMN damon_stat.idle_p75_ms IS 'A quarter of memory has been idle for at least this long; negative as above.';
COMMENT ON COLUMN damon_stat.idle_p95_ms IS 'A twentieth of memory has been idle for at least this long; negative as above.';
COMMENT ON COLUMN damon_stat.idle_p100_ms IS 'The longest that any memory has been idle; negative as above.';
COMMENT ON COLUMN damon_stat.bandwidth_bytes_per_s IS 'The memory bandwidth that DAMON_STAT estimates from accesses; NULL where it does not tell.';
COMMENT ON COLUMN damon_stat.aggr_us IS 'The aggregation interval that it has tuned itself to; NULL before Linux 6.18.';
