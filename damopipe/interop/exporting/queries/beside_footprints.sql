-- Memory of the targets' processes in pages of 4096 bytes.
SELECT epoch_ns(ts) AS ns, pid, vsz_bytes // 4096 AS size, rss_bytes // 4096 AS resident
FROM process
WHERE run_id = $run AND role = 'target' AND rss_bytes IS NOT NULL AND vsz_bytes IS NOT NULL
ORDER BY ts, pid;
