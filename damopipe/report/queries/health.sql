-- What is known of how well the run was recorded, what is not fine first.
SELECT t.name AS target, h.name AS what, h.value, h.unit, h.is_fine, h.advice
FROM run_health AS h
JOIN target AS t USING (run_id, target_id)
WHERE h.run_id = $run
ORDER BY h.is_fine, h.name, h.target_id
