-- How much of what was watched had not been accessed for at least so long.
SELECT target_id, 'cold' AS line, idle_us / 1e6 AS x, cold_percent AS value
FROM cold_tail($run)
ORDER BY target_id, x
