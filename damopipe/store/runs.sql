-- Every run with what there is of it, for `damopipe runs`.
SELECT
  r.run_id,
  r.tag,
  r.pipeline,
  r.backend,
  r.status,
  r.end_reason,
  r.started_at::TIMESTAMP AS started_at,
  round(date_diff('millisecond', r.started_at::TIMESTAMP, r.ended_at::TIMESTAMP) / 1000.0, 1)::DOUBLE AS seconds,
  coalesce(s.snapshots, 0)::BIGINT AS snapshots,
  coalesce(s.region_rows, 0)::BIGINT AS region_rows,
  r.lost_events,
  r.uid::VARCHAR AS uid
FROM run AS r
LEFT JOIN (
  SELECT run_id, count(*) AS snapshots, sum(nr_regions)::BIGINT AS region_rows FROM snapshot GROUP BY run_id
) AS s USING (run_id)
ORDER BY r.run_id;
