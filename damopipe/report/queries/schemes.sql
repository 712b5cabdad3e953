-- What each scheme did in all, and the memory of the targets before and after.
SELECT
  name,
  action,
  sum(tried_bytes)::DOUBLE AS tried_bytes,
  sum(applied_bytes)::DOUBLE AS applied_bytes,
  arg_min(rss_bytes, ts)::DOUBLE AS rss_first_bytes,
  arg_max(rss_bytes, ts)::DOUBLE AS rss_last_bytes,
  arg_max(swap_bytes, ts)::DOUBLE AS swap_last_bytes,
  count(*) AS records
FROM scheme_effect
WHERE run_id = $run
GROUP BY scheme_id, name, action
ORDER BY scheme_id
