-- The mappings of processes whenever they changed.
SELECT epoch_ns(m.ts) AS ns, m.target_id, t.pid, m.start_addr, m.end_addr, m.name
FROM mapping AS m
JOIN target AS t USING (run_id, target_id)
WHERE m.run_id = $run AND t.pid IS NOT NULL
ORDER BY m.ts, m.target_id, m.start_addr;
