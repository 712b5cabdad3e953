-- What a run watched: virtual or physical memory.
SELECT DISTINCT operations FROM context WHERE run_id = $run ORDER BY operations
