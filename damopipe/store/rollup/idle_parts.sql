-- The parts of the snapshots in rollup_fresh that were touched within windows of time.
INSERT INTO _rollup_idle_part
SELECT $run AS run_id, p.target_id, p.ts, p.window_us, p.bytes
FROM _idle_parts(
  $run, from_ts := (SELECT min(ts) FROM rollup_fresh), to_ts := (SELECT max(ts) FROM rollup_fresh)
) AS p
SEMI JOIN rollup_fresh USING (ts, target_id)
ORDER BY target_id, ts, window_us;
