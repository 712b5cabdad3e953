-- Of each scheme: what it did in the run.
SELECT
  d.scheme_id,
  d.action,
  sum(e.tried_bytes)::BIGINT AS tried_bytes,
  sum(e.applied_bytes)::BIGINT AS applied_bytes,
  (SELECT arg_max(qt_exceeds, ts)::BIGINT FROM scheme_stat AS s WHERE s.run_id = $run AND s.scheme_id = d.scheme_id) AS quota_exceeds,
  (SELECT arg_max(effective_quota_bytes, ts)::UBIGINT FROM scheme_stat AS s WHERE s.run_id = $run AND s.scheme_id = d.scheme_id)
    AS quota_bytes
FROM scheme AS d
JOIN scheme_effect AS e USING (run_id, scheme_id)
WHERE d.run_id = $run
GROUP BY d.scheme_id, d.action
ORDER BY d.scheme_id;
