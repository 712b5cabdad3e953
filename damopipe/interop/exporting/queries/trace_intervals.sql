-- Intervals as the kernel tuned them.
SELECT context_id AS id, epoch_ns(ts) AS ns, sample_us * 1000 AS sample_ns, aggr_us * 1000 AS aggr_ns
FROM interval_tune
WHERE run_id = $run
ORDER BY context_id, ts;
