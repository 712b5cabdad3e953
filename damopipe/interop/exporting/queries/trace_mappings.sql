-- Where what has a name was mapped, at any time.
SELECT DISTINCT start_addr, end_addr, name
FROM mapping
WHERE run_id = $run AND target_id = $target AND name IS NOT NULL
ORDER BY start_addr, end_addr;
