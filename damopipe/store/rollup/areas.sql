-- Where the regions of the snapshots in rollup_fresh lie.
INSERT INTO _rollup_area
SELECT
  $run,
  r.target_id,
  start_page // 4096 AS chunk,
  min(start_page),
  max(start_page + nr_pages + ((start_rest + size_rest + 4095) // 4096)),
  min(start_page * 4096 + start_rest),
  max((start_page + nr_pages) * 4096 + start_rest + size_rest),
  sum(coalesce(nr_accesses, 0) * nr_pages::DOUBLE)
FROM _region AS r
JOIN rollup_fresh AS f USING (ts, target_id)
WHERE r.run_id = $run
GROUP BY r.target_id, chunk;
