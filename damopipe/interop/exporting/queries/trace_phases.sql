-- The stretches of time between which the working set changed.
SELECT target_id, epoch_ns(from_ts) AS begin_ns, epoch_ns(to_ts) AS end_ns, accessed_bytes FROM phases($run) ORDER BY target_id, from_ts;
