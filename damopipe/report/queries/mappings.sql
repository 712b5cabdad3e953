-- The distinct mappings of a target, and when each was seen first; the largest, where there are very many.
SELECT
  ((greatest(start_addr, $origin) - $origin) // $unit)::BIGINT AS from_unit,
  ((end_addr - $origin) // $unit)::BIGINT AS to_unit,
  (min(epoch_ns(ts)) - $first_ns) / 1e9 AS first_seconds,
  coalesce(name, 'anonymous') AS name
FROM mapping
WHERE run_id = $run AND target_id = $target AND end_addr > $origin
GROUP BY start_addr, end_addr, name
ORDER BY end_addr - start_addr DESC, start_addr
LIMIT $most
