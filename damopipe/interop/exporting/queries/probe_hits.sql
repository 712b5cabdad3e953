-- Hits of probes between two times.
SELECT epoch_ns(ts) AS ns, start_addr, probe, hits
FROM probe_hit
WHERE run_id = $run AND target_id = $target AND ts BETWEEN make_timestamp_ns($first_ns) AND make_timestamp_ns($last_ns)
ORDER BY ts, start_addr, probe;
