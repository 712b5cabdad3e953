-- The threads of DAMON that were seen, by their name.
SELECT pid, any_value(comm) AS comm FROM process WHERE run_id = $run AND role = 'kdamond' GROUP BY pid ORDER BY comm, pid;
