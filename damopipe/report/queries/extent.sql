-- The lowest address of a target, and the unit that all its addresses are whole multiples of.
SELECT
  min(start_addr)::UBIGINT AS origin,
  CASE WHEN (SELECT bool_or(start_rest > 0 OR size_rest > 0) FROM _region WHERE run_id = $run AND target_id = $target)
    THEN 1 ELSE 4096 END AS unit,
  count(*) AS regions,
  count(DISTINCT ts) AS snapshots
FROM region
WHERE run_id = $run AND target_id = $target
