-- The processes that were seen.
SELECT pid, any_value(role) AS role, any_value(comm) AS comm FROM process WHERE run_id = $run GROUP BY pid ORDER BY pid;
