-- What the scheme at a place of a context had done at the times of a target's snapshots.
SELECT epoch_ns(ts) AS ns, nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed, qt_exceeds
FROM scheme_stat
WHERE run_id = $run
  AND scheme_id = (
    SELECT scheme_id FROM scheme WHERE run_id = $run AND context_id = $context ORDER BY scheme_id LIMIT 1 OFFSET $place
  )
  AND ts IN (SELECT ts FROM snapshot WHERE run_id = $run AND target_id = $target);
