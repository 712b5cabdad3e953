-- What /proc said of processes.
SELECT pid AS id, epoch_ns(ts) AS ns, rss_bytes, swap_bytes, minor_faults, major_faults
FROM process
WHERE run_id = $run
ORDER BY pid, ts;
