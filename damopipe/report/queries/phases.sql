-- The stretches of time between which the working set changed.
SELECT t.name AS target, p.phase + 1 AS phase, p.from_seconds, p.to_seconds, p.accessed_bytes::DOUBLE AS accessed_bytes
FROM phases($run) AS p
JOIN target AS t ON t.run_id = $run AND t.target_id = p.target_id
ORDER BY p.target_id, p.phase
LIMIT $rows
