-- The targets of a run, those with the most accesses first.
SELECT target_id
FROM working_set
WHERE run_id = $run
GROUP BY target_id
ORDER BY sum(accessed_bytes) DESC NULLS LAST, target_id
