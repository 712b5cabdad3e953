-- What schemes did since the record before, and what they were allowed.
SELECT e.scheme_id AS id, epoch_ns(e.ts) AS ns, e.tried_bytes, e.applied_bytes, s.effective_quota_bytes, s.qt_exceeds
FROM scheme_effect AS e
JOIN scheme_stat AS s USING (run_id, scheme_id, ts)
WHERE e.run_id = $run
ORDER BY e.scheme_id, e.ts;
