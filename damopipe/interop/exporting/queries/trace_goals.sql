-- The values of quota goals' metrics.
SELECT scheme_id AS id, goal, epoch_ns(ts) AS ns, current_value
FROM scheme_goal
WHERE run_id = $run
ORDER BY scheme_id, goal, ts;
