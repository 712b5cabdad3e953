-- The regions of some snapshots of a target, in units from its lowest address; each begins where the one before ended.
WITH placed AS (
  SELECT
    r.ts,
    ((r.start_addr - $origin) // $unit)::BIGINT AS start_unit,
    ((r.end_addr - $origin) // $unit)::BIGINT AS end_unit,
    r.nr_accesses,
    r.age,
    r.referenced_bytes
  FROM region AS r
  WHERE r.run_id = $run AND r.target_id = $target AND r.ts IN (SELECT make_timestamp_ns(unnest($moments::BIGINT[])))
)
SELECT
  start_unit - coalesce(lag(end_unit) OVER (PARTITION BY ts ORDER BY start_unit), 0) AS gap,
  end_unit - start_unit AS size,
  (coalesce(nr_accesses, -1) + 1)::BIGINT AS nr_accesses_1,
  (coalesce(age, -1) + 1)::BIGINT AS age_1,
  (coalesce(referenced_bytes::BIGINT, -1) + 1)::BIGINT AS referenced_1
FROM placed
ORDER BY ts, start_unit
