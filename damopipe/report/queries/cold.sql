-- What of a target was cold for a minute, or for the longest time that the run can tell of.
SELECT idle_us, cold_bytes, cold_percent
FROM cold_tail($run, target := $target)
WHERE cold_percent IS NOT NULL
ORDER BY idle_us <= 60_000_000 DESC, abs(idle_us - 60_000_000)
LIMIT 1
