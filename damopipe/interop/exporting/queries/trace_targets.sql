-- What each snapshot found, from its beginning on.
SELECT s.target_id AS id, epoch_ns(coalesce(s.start_ts, s.ts)) AS ns, w.accessed_bytes, w.watched_bytes, s.nr_regions
FROM snapshot AS s
JOIN working_set AS w USING (run_id, target_id, ts)
WHERE s.run_id = $run
ORDER BY s.target_id, s.ts;
