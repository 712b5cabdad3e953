-- Working sets of the snapshots in rollup_fresh; last, since from then on they count as rolled up.
INSERT INTO _rollup_snapshot
SELECT $run, f.target_id, f.ts, w.accessed_bytes, nullif(w.watched_bytes, 0)
FROM rollup_fresh AS f
JOIN working_set AS w ON w.run_id = $run AND w.target_id = f.target_id AND w.ts = f.ts
ORDER BY f.target_id, f.ts;
