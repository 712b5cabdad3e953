-- Chooses the widths of time and the size of cells for targets that have none: not below two snapshots, and 2048 to 4096
-- cells for the most that was watched, or single pages.
INSERT INTO _rollup_level
SELECT $run, target_id, width_s, cell_bytes
FROM (
  SELECT
    f.target_id,
    median(f.t1 - f.t0) AS usual_ns,
    (4096 * pow(2, greatest(ceil(log2(max(w.watched_bytes) / 4096 / 4096)), 0)))::UBIGINT AS cell_bytes
  FROM rollup_fresh AS f
  JOIN working_set AS w ON w.run_id = $run AND w.target_id = f.target_id AND w.ts = f.ts
  WHERE f.nr_samples > 0 AND f.t1 > f.t0 AND w.watched_bytes > 0
    AND f.target_id NOT IN (SELECT target_id FROM _rollup_level WHERE run_id = $run)
  GROUP BY f.target_id
)
CROSS JOIN (VALUES (1), (10), (60)) AS widths(width_s)
WHERE width_s * 1e9 >= 2 * usual_ns;
