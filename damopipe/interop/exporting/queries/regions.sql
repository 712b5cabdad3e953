-- Regions between two times, in the order in which a recording tells them; $target NULL is every target.
SELECT
  r.target_id,
  t.context_id,
  epoch_ns(r.ts) AS ns,
  r.start_addr,
  r.end_addr,
  r.nr_accesses,
  r.age,
  r.filter_passed_bytes
FROM region AS r
JOIN target AS t USING (run_id, target_id)
SEMI JOIN (
  SELECT target_id, ts FROM snapshot
  WHERE run_id = $run AND ts BETWEEN make_timestamp_ns($first_ns) AND make_timestamp_ns($last_ns)
) AS s USING (target_id, ts)
WHERE run_id = $run
  AND ($target IS NULL OR r.target_id = $target)
  AND r.ts BETWEEN make_timestamp_ns($first_ns) AND make_timestamp_ns($last_ns)
ORDER BY r.ts, t.context_id, r.target_id, r.start_addr;
