-- Of each run: where it comes from, when it was, how much there is of it.
SELECT
  r.run_id::VARCHAR AS run,
  r.pipeline,
  r.uid::VARCHAR AS uid,
  coalesce(r.tag, '') AS tag,
  r.backend,
  r.status,
  coalesce(r.host, '') AS host,
  coalesce(r.kernel, '') AS kernel,
  CASE WHEN r.clock = 'wall' OR r.clock_offset_ns IS NOT NULL THEN epoch_ns(r.started_at) / 1e9 END AS start_seconds,
  (epoch_ns(r.ended_at) - epoch_ns(r.started_at)) / 1e9 AS duration_seconds,
  coalesce(r.lost_events, (SELECT sum(lost_events) FROM snapshot AS s WHERE s.run_id = r.run_id))::BIGINT AS lost_events
FROM run AS r
WHERE r.run_id = $run;
