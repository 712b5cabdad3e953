-- The regions of some consecutive snapshots of one target; they lie in the store in the order of time and address.
SELECT
  ts,
  start_page * 4096::UBIGINT + start_rest AS start_addr,
  (nr_pages * 4096::UBIGINT + size_rest)::BIGINT AS size_bytes,
  nr_accesses::BIGINT AS nr_accesses,
  age::BIGINT AS age
FROM _region
WHERE run_id = $run
  AND target_id = $target
  AND ts BETWEEN make_timestamp_ns($from_ns) AND make_timestamp_ns($to_ns)
