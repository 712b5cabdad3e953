-- The run's own row, its times in nanoseconds since 1970 or since the recording's clock began.
SELECT
  uid::VARCHAR AS uid,
  pipeline,
  tag,
  backend,
  status,
  epoch_ns(started_at) AS started_ns,
  epoch_ns(ended_at) AS ended_ns,
  clock,
  clock_offset_ns::BIGINT AS clock_offset_ns,
  host,
  kernel,
  damopipe_version,
  lost_events,
  plan
FROM run
WHERE run_id = $run;
