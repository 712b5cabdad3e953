-- What the checks of the pipeline found.
SELECT name, severity, result, violations, message
FROM check_result
WHERE run_id = $run
ORDER BY check_id
