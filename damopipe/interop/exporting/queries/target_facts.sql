-- Of a target: the intervals that it was watched with (those planned, else those of its first snapshot), and whether filters
-- told what they let through.
SELECT
  coalesce(c.sample_us, s.sample_us) AS sample_us,
  coalesce(c.aggr_us, s.aggr_us) AS aggr_us,
  c.update_us,
  (SELECT count(filter_passed_bytes) FROM _region WHERE run_id = $run AND target_id = $target) AS filtered
FROM target AS t
LEFT JOIN context AS c USING (run_id, context_id)
LEFT JOIN (
  SELECT sample_us, aggr_us FROM snapshot
  WHERE run_id = $run AND target_id = $target AND sample_us IS NOT NULL AND aggr_us IS NOT NULL
  ORDER BY ts LIMIT 1
) AS s ON true
WHERE t.run_id = $run AND t.target_id = $target;
