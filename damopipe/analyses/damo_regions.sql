-- The regions of a run with damo's access percentage, idle time and temperature.
-- requires: _damo_snapshots, region
-- percent is samples of what an aggregation has, cut off to an integer: one of 2,000 is 0 %, and then the region is idle.
-- age_us = age * aggregation. idle_us = 0 where percent > 0, else age_us and one aggregation. temperature = size * size_weight
-- + percent * access_weight + age_us * age_weight, negated where percent is 0. NULL where the recording has no intervals or no
-- ages. Columns: target_id; ts; number of the snapshot; from_ns, to_ns on the recording's clock; start_addr, end_addr,
-- size_bytes, filter_passed_bytes; nr_accesses; percent, age_us, idle_us, temperature; aggr_us.
CREATE OR REPLACE MACRO damo_regions(run, target := NULL, size_weight := 0, access_weight := 100, age_weight := 100) AS TABLE
WITH told AS (
  SELECT
    s.target_id,
    s.ts,
    s.number,
    s.start_ns,
    s.end_ns,
    s.aggr_us,
    r.start_addr,
    r.end_addr,
    r.size_bytes,
    r.filter_passed_bytes,
    r.nr_accesses,
    CASE WHEN s.sample_us > 0 THEN trunc(r.nr_accesses * 100 / (s.aggr_us / s.sample_us))::BIGINT END AS percent,
    (r.age * s.aggr_us)::BIGINT AS age_us
  FROM _damo_snapshots(run, target := target) AS s
  JOIN region AS r ON r.run_id = run AND r.target_id = s.target_id AND r.ts = s.ts
)
SELECT
  target_id,
  ts,
  number,
  start_ns AS from_ns,
  end_ns AS to_ns,
  start_addr,
  end_addr,
  size_bytes,
  filter_passed_bytes,
  nr_accesses,
  percent,
  age_us,
  CASE WHEN percent > 0 THEN 0 WHEN percent = 0 THEN age_us + aggr_us END::BIGINT AS idle_us,
  (CASE WHEN percent > 0 THEN 1 WHEN percent = 0 THEN -1 END)
    * (size_bytes::DOUBLE * size_weight + percent * access_weight + age_us * age_weight)::DOUBLE AS temperature,
  aggr_us
FROM told
ORDER BY target_id, ts, start_addr;

COMMENT ON MACRO TABLE damo_regions IS 'The regions of a run with damo''s access percentage, idle time and temperature.';
