-- Whether the run can be trusted.
SELECT target_id, name, is_fine FROM run_health WHERE run_id = $run ORDER BY target_id, name;
