-- The regions of a run with their temperature: damo's weighted sum of size, access rate and age, negative where idle.
-- requires: region_rate, _is_asked, _is_within
-- temperature = size_bytes * size_weight + access_rate in percent * access_weight + age_us * age_weight, negated for
-- regions without an access. With the weights 0, 100, 100 these are damo's numbers but for two things: damo cuts the
-- percentage off to an integer, so that to it one access in 2,000 samples is none and the region is cold; here only
-- nr_accesses = 0 is idle. And ages are in microseconds beside percents, so that with equal weights the age alone
-- decides: access_weight := 1e6 weighs one percent like one second.
CREATE OR REPLACE MACRO temperature(
  run, size_weight := 0, access_weight := 1, age_weight := 1, target := NULL, context := NULL,
  from_addr := NULL, to_addr := NULL, from_ts := NULL, to_ts := NULL
) AS TABLE
WITH cut AS (  -- to the addresses asked for, as a region's size may count
  SELECT
    target_id,
    ts,
    CASE WHEN start_addr < from_addr::UBIGINT THEN from_addr::UBIGINT ELSE start_addr END AS start_addr,
    CASE WHEN end_addr > to_addr::UBIGINT THEN to_addr::UBIGINT ELSE end_addr END AS end_addr,
    nr_accesses,
    access_rate,
    age_us
  FROM region_rate
  WHERE run_id = run
    AND _is_asked(run, target_id, target, context)
    AND _is_within(ts, from_ts, to_ts)
    AND (from_addr IS NULL OR end_addr > from_addr::UBIGINT) AND (to_addr IS NULL OR start_addr < to_addr::UBIGINT)
),
weighed AS (  -- what has no weight need not be known
  SELECT
    *,
    CASE WHEN size_weight = 0 THEN 0 ELSE (end_addr - start_addr)::DOUBLE * size_weight::DOUBLE END
    + CASE WHEN access_weight = 0 THEN 0 ELSE access_rate * 100 * access_weight::DOUBLE END
    + CASE WHEN age_weight = 0 THEN 0 ELSE age_us::DOUBLE * age_weight::DOUBLE END AS warmth
  FROM cut
)
SELECT
  target_id,
  ts,
  start_addr,
  end_addr,
  end_addr - start_addr AS size_bytes,
  access_rate,
  age_us,
  CASE WHEN nr_accesses > 0 THEN warmth WHEN nr_accesses = 0 THEN 0 - warmth END AS temperature
FROM weighed
ORDER BY target_id, ts, start_addr;

COMMENT ON MACRO TABLE temperature IS 'The regions of a run with their temperature: damo''s weighted sum of size, access rate and age, negative where idle.';
