-- One run, as text for people where a column is a time.
SELECT
  run_id,
  uid::VARCHAR AS uid,
  pipeline,
  tag,
  backend,
  backend_reason,
  status,
  end_reason,
  strftime(started_at::TIMESTAMP, '%Y-%m-%d %H:%M:%S') AS started,
  strftime(ended_at::TIMESTAMP, '%Y-%m-%d %H:%M:%S') AS ended,
  clock,
  host,
  kernel,
  machine,
  damopipe_version,
  duckdb_version,
  python_version,
  file,
  file_sha256,
  git_commit,
  git_dirty,
  plan::VARCHAR AS plan,
  text,
  lost_events,
  notes
FROM run
WHERE run_id = $run
