-- The mappings of the run, those with the most accesses first.
SELECT
  t.name AS target,
  coalesce(m.name, 'anonymous') AS mapping,
  m.size_bytes::DOUBLE AS size_bytes,
  m.accessed_bytes::DOUBLE AS accessed_bytes,
  m.access_rate,
  m.access_share
FROM mapping_heat AS m
JOIN target AS t USING (run_id, target_id)
WHERE m.run_id = $run
ORDER BY m.access_share DESC NULLS LAST, m.size_bytes DESC
LIMIT $rows
