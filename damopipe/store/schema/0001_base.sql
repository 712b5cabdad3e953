-- The raw tables: what was said and seen, append only. Views and macros over them are in analyses/.
-- Sorted by (run_id, target_id, ts, start_addr) as they are appended; no ENUMs, which cannot gain a value.

CREATE TABLE run (
  run_id INTEGER PRIMARY KEY,
  uid UUID NOT NULL,
  pipeline VARCHAR NOT NULL,
  tag VARCHAR,
  backend VARCHAR NOT NULL,
  backend_reason VARCHAR,
  status VARCHAR NOT NULL,
  end_reason VARCHAR,
  started_at TIMESTAMP_NS NOT NULL,
  ended_at TIMESTAMP_NS,
  clock VARCHAR NOT NULL,
  clock_offset_ns HUGEINT,
  host VARCHAR,
  kernel VARCHAR,
  machine VARCHAR,
  damopipe_version VARCHAR NOT NULL,
  duckdb_version VARCHAR NOT NULL,
  python_version VARCHAR NOT NULL,
  file VARCHAR,
  file_sha256 VARCHAR,
  git_commit VARCHAR,
  git_dirty BOOLEAN,
  plan JSON,
  text VARCHAR,
  lost_events UBIGINT,
  notes VARCHAR[],
  out_dir VARCHAR
);
COMMENT ON TABLE run IS 'One execution of one pipeline: written when it starts, closed with a status when it ends.';
COMMENT ON COLUMN run.run_id IS 'The run, counted from 1 within this store.';
COMMENT ON COLUMN run.uid IS 'The run, everywhere: the same after export and import.';
COMMENT ON COLUMN run.pipeline IS 'The name of the pipeline.';
COMMENT ON COLUMN run.tag IS 'A name that somebody gave this run; unique where set.';
COMMENT ON COLUMN run.backend IS 'The backend that recorded it: damon, procfs, simulate, or import.';
COMMENT ON COLUMN run.backend_reason IS 'Why this backend was taken; NULL when the pipeline or a flag names it.';
COMMENT ON COLUMN run.status IS 'running, complete, stopped, failed or interrupted; a run still running long after started_at was killed.';
COMMENT ON COLUMN run.end_reason IS 'What ended it: duration, target ended, stopped, or the error; NULL while it runs.';
COMMENT ON COLUMN run.started_at IS 'When recording began, UTC.';
COMMENT ON COLUMN run.ended_at IS 'When recording ended, UTC; NULL while it runs.';
COMMENT ON COLUMN run.clock IS 'Where ts comes from: wall (the system''s clock), or the name of a recording''s own clock.';
COMMENT ON COLUMN run.clock_offset_ns IS 'What was added to the recording''s clock to get ts; NULL where ts is the wall clock itself.';
COMMENT ON COLUMN run.host IS 'The machine''s name; NULL for an import that does not say.';
COMMENT ON COLUMN run.kernel IS 'The kernel''s release; NULL for an import that does not say.';
COMMENT ON COLUMN run.machine IS 'The processor architecture; NULL for an import that does not say.';
COMMENT ON COLUMN run.damopipe_version IS 'The damopipe that wrote the run.';
COMMENT ON COLUMN run.duckdb_version IS 'The DuckDB that wrote the run.';
COMMENT ON COLUMN run.python_version IS 'The Python that wrote the run.';
COMMENT ON COLUMN run.file IS 'The pipeline file''s absolute path, or the imported file''s.';
COMMENT ON COLUMN run.file_sha256 IS 'The SHA-256 of that file''s bytes.';
COMMENT ON COLUMN run.git_commit IS 'The commit of the repository that holds the pipeline file; NULL outside git.';
COMMENT ON COLUMN run.git_dirty IS 'Whether the pipeline file differed from that commit; NULL outside git.';
COMMENT ON COLUMN run.plan IS 'The resolved plan; NULL for an import.';
COMMENT ON COLUMN run.text IS 'The pipeline file as it was; NULL for an import.';
COMMENT ON COLUMN run.lost_events IS 'Events that were lost in all; NULL where the backend cannot lose any or cannot tell.';
COMMENT ON COLUMN run.notes IS 'What was said while it ran: fallbacks, slow-downs, losses.';
COMMENT ON COLUMN run.out_dir IS 'The folder that its outputs were written to; NULL if none.';

CREATE TABLE context (
  run_id INTEGER NOT NULL,
  context_id USMALLINT NOT NULL,
  operations VARCHAR NOT NULL,
  sample_us UBIGINT,
  aggr_us UBIGINT,
  update_us UBIGINT,
  min_nr_regions UINTEGER,
  max_nr_regions UINTEGER
);
COMMENT ON TABLE context IS 'A kdamond''s work in a run: operations set and monitoring attributes as planned.';
COMMENT ON COLUMN context.run_id IS 'The run.';
COMMENT ON COLUMN context.context_id IS 'The context, by its place in the pipeline.';
COMMENT ON COLUMN context.operations IS 'vaddr, fvaddr or paddr; procfs watches as vaddr does.';
COMMENT ON COLUMN context.sample_us IS 'The planned sampling interval; snapshot has those in force. NULL where unknown.';
COMMENT ON COLUMN context.aggr_us IS 'The planned aggregation interval. NULL where unknown.';
COMMENT ON COLUMN context.update_us IS 'The planned interval of operations updates. NULL where unknown.';
COMMENT ON COLUMN context.min_nr_regions IS 'The lower region limit; NULL where the backend has none.';
COMMENT ON COLUMN context.max_nr_regions IS 'The upper region limit; NULL where the backend has none.';

CREATE TABLE target (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  context_id USMALLINT NOT NULL,
  kind VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  pid INTEGER,
  command VARCHAR
);
COMMENT ON TABLE target IS 'A watched target of a run.';
COMMENT ON COLUMN target.run_id IS 'The run.';
COMMENT ON COLUMN target.target_id IS 'The target, unique in its run over all contexts.';
COMMENT ON COLUMN target.context_id IS 'The context that it belongs to.';
COMMENT ON COLUMN target.kind IS 'How it was named: command, pid, process, cgroup, workload, physical.';
COMMENT ON COLUMN target.name IS 'What a person calls it.';
COMMENT ON COLUMN target.pid IS 'Its process; NULL for physical memory.';
COMMENT ON COLUMN target.command IS 'Its command line; NULL where unknown.';

CREATE TABLE snapshot (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  start_ts TIMESTAMP_NS,
  sample_us UBIGINT,
  aggr_us UBIGINT,
  nr_samples UINTEGER,
  nr_regions UINTEGER,
  lost_events UBIGINT
);
COMMENT ON TABLE snapshot IS 'The end of one aggregation of one target.';
COMMENT ON COLUMN snapshot.run_id IS 'The run.';
COMMENT ON COLUMN snapshot.target_id IS 'The target.';
COMMENT ON COLUMN snapshot.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN snapshot.start_ts IS 'When the aggregation began; NULL where unknown.';
COMMENT ON COLUMN snapshot.sample_us IS 'The sampling interval in force; NULL where unknown.';
COMMENT ON COLUMN snapshot.aggr_us IS 'The aggregation interval in force; NULL where unknown.';
COMMENT ON COLUMN snapshot.nr_samples IS 'Samples in the aggregation: the largest nr_accesses possible; NULL where unknown.';
COMMENT ON COLUMN snapshot.nr_regions IS 'How many regions it has.';
COMMENT ON COLUMN snapshot.lost_events IS 'Events lost since the snapshot before; NULL where the backend cannot tell.';

CREATE TABLE _region (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  start_page UBIGINT NOT NULL,
  start_rest USMALLINT NOT NULL,
  nr_pages UBIGINT NOT NULL,
  size_rest USMALLINT NOT NULL,
  nr_accesses UINTEGER,
  age UINTEGER,
  filter_passed_bytes UBIGINT,
  referenced_bytes UBIGINT
);
COMMENT ON TABLE _region IS 'Regions as they are kept, in pages so that they stay small; read the view region instead.';
COMMENT ON COLUMN _region.run_id IS 'The run.';
COMMENT ON COLUMN _region.target_id IS 'The target.';
COMMENT ON COLUMN _region.ts IS 'The end of the aggregation, UTC.';
COMMENT ON COLUMN _region.start_page IS 'start_addr divided by 4096.';
COMMENT ON COLUMN _region.start_rest IS 'start_addr modulo 4096: 0 but for recordings that are not page aligned.';
COMMENT ON COLUMN _region.nr_pages IS 'The size divided by 4096.';
COMMENT ON COLUMN _region.size_rest IS 'The size modulo 4096.';
COMMENT ON COLUMN _region.nr_accesses IS 'Samples that found the region accessed; NULL where unknown.';
COMMENT ON COLUMN _region.age IS 'Aggregations for which nr_accesses stayed similar; NULL where the recording has none.';
COMMENT ON COLUMN _region.filter_passed_bytes IS 'Bytes that passed the scheme''s filters; NULL without filters.';
COMMENT ON COLUMN _region.referenced_bytes IS 'Bytes referenced in the busiest sampling interval, exact (procfs); NULL elsewhere.';

CREATE TABLE scheme (
  run_id INTEGER NOT NULL,
  scheme_id USMALLINT NOT NULL,
  context_id USMALLINT NOT NULL,
  name VARCHAR NOT NULL,
  action VARCHAR NOT NULL,
  definition JSON
);
COMMENT ON TABLE scheme IS 'A scheme of a run, as planned.';
COMMENT ON COLUMN scheme.run_id IS 'The run.';
COMMENT ON COLUMN scheme.scheme_id IS 'The scheme, unique in its run over all contexts.';
COMMENT ON COLUMN scheme.context_id IS 'The context that it belongs to.';
COMMENT ON COLUMN scheme.name IS 'Its name in the pipeline.';
COMMENT ON COLUMN scheme.action IS 'The DAMOS action.';
COMMENT ON COLUMN scheme.definition IS 'The whole scheme, resolved.';

CREATE TABLE scheme_stat (
  run_id INTEGER NOT NULL,
  scheme_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  nr_tried UBIGINT,
  sz_tried UBIGINT,
  nr_applied UBIGINT,
  sz_applied UBIGINT,
  sz_ops_filter_passed UBIGINT,
  qt_exceeds UBIGINT,
  nr_snapshots UBIGINT,
  effective_quota_bytes UBIGINT
);
COMMENT ON TABLE scheme_stat IS 'What a scheme has done so far: the kernel''s counters over time.';
COMMENT ON COLUMN scheme_stat.run_id IS 'The run.';
COMMENT ON COLUMN scheme_stat.scheme_id IS 'The scheme.';
COMMENT ON COLUMN scheme_stat.ts IS 'When the counters were read, UTC.';
COMMENT ON COLUMN scheme_stat.nr_tried IS 'Regions that the action was tried on.';
COMMENT ON COLUMN scheme_stat.sz_tried IS 'Bytes that the action was tried on.';
COMMENT ON COLUMN scheme_stat.nr_applied IS 'Regions that the action was applied to.';
COMMENT ON COLUMN scheme_stat.sz_applied IS 'Bytes that the action was applied to.';
COMMENT ON COLUMN scheme_stat.sz_ops_filter_passed IS 'Bytes that passed the operations layer''s filters; NULL before Linux 6.14.';
COMMENT ON COLUMN scheme_stat.qt_exceeds IS 'How often the quota was exceeded.';
COMMENT ON COLUMN scheme_stat.nr_snapshots IS 'Snapshots the scheme was tried on; NULL before Linux 7.0.';
COMMENT ON COLUMN scheme_stat.effective_quota_bytes IS 'The quota in force; NULL without a quota.';

CREATE TABLE scheme_region (
  run_id INTEGER NOT NULL,
  scheme_id USMALLINT NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  start_addr UBIGINT NOT NULL,
  end_addr UBIGINT NOT NULL,
  nr_accesses UINTEGER,
  age UINTEGER
);
COMMENT ON TABLE scheme_region IS 'Regions that a scheme was tried on.';
COMMENT ON COLUMN scheme_region.run_id IS 'The run.';
COMMENT ON COLUMN scheme_region.scheme_id IS 'The scheme.';
COMMENT ON COLUMN scheme_region.target_id IS 'The target.';
COMMENT ON COLUMN scheme_region.ts IS 'When, UTC.';
COMMENT ON COLUMN scheme_region.start_addr IS 'The first byte.';
COMMENT ON COLUMN scheme_region.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN scheme_region.nr_accesses IS 'Samples that found it accessed.';
COMMENT ON COLUMN scheme_region.age IS 'Aggregations for which that stayed similar.';

CREATE TABLE interval_tune (
  run_id INTEGER NOT NULL,
  context_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  sample_us UBIGINT NOT NULL,
  aggr_us UBIGINT NOT NULL
);
COMMENT ON TABLE interval_tune IS 'A change of the intervals by autotuning.';
COMMENT ON COLUMN interval_tune.run_id IS 'The run.';
COMMENT ON COLUMN interval_tune.context_id IS 'The context.';
COMMENT ON COLUMN interval_tune.ts IS 'When, UTC.';
COMMENT ON COLUMN interval_tune.sample_us IS 'The new sampling interval.';
COMMENT ON COLUMN interval_tune.aggr_us IS 'The new aggregation interval.';

CREATE TABLE process (
  run_id INTEGER NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  pid INTEGER NOT NULL,
  role VARCHAR NOT NULL,
  comm VARCHAR,
  rss_bytes UBIGINT,
  vsz_bytes UBIGINT,
  swap_bytes UBIGINT,
  minor_faults UBIGINT,
  major_faults UBIGINT,
  cpu_user_us UBIGINT,
  cpu_system_us UBIGINT
);
COMMENT ON TABLE process IS 'What /proc said of a process, over time.';
COMMENT ON COLUMN process.run_id IS 'The run.';
COMMENT ON COLUMN process.ts IS 'When, UTC.';
COMMENT ON COLUMN process.pid IS 'The process.';
COMMENT ON COLUMN process.role IS 'target, kdamond, or self (damopipe).';
COMMENT ON COLUMN process.comm IS 'Its name as the kernel has it.';
COMMENT ON COLUMN process.rss_bytes IS 'Resident memory.';
COMMENT ON COLUMN process.vsz_bytes IS 'Mapped address space.';
COMMENT ON COLUMN process.swap_bytes IS 'Swapped out memory; NULL where it could not be read.';
COMMENT ON COLUMN process.minor_faults IS 'Page faults without I/O, since it started.';
COMMENT ON COLUMN process.major_faults IS 'Page faults with I/O, since it started.';
COMMENT ON COLUMN process.cpu_user_us IS 'CPU time in user mode, since it started.';
COMMENT ON COLUMN process.cpu_system_us IS 'CPU time in the kernel, since it started.';

CREATE TABLE mapping (
  run_id INTEGER NOT NULL,
  target_id USMALLINT NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  start_addr UBIGINT NOT NULL,
  end_addr UBIGINT NOT NULL,
  permissions VARCHAR,
  name VARCHAR
);
COMMENT ON TABLE mapping IS 'The mappings of a target: all of them, whenever they changed.';
COMMENT ON COLUMN mapping.run_id IS 'The run.';
COMMENT ON COLUMN mapping.target_id IS 'The target.';
COMMENT ON COLUMN mapping.ts IS 'When they were so first, UTC.';
COMMENT ON COLUMN mapping.start_addr IS 'The first byte.';
COMMENT ON COLUMN mapping.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN mapping.permissions IS 'As /proc/PID/maps writes them: rw-p.';
COMMENT ON COLUMN mapping.name IS 'The file, [heap], [stack], or a name that the program gave; NULL for plain anonymous memory.';

CREATE TABLE counter (
  run_id INTEGER NOT NULL,
  ts TIMESTAMP_NS NOT NULL,
  name VARCHAR NOT NULL,
  value BIGINT
);
COMMENT ON TABLE counter IS 'A number of the system or of the backend, over time.';
COMMENT ON COLUMN counter.run_id IS 'The run.';
COMMENT ON COLUMN counter.ts IS 'When, UTC.';
COMMENT ON COLUMN counter.name IS 'Its source and name: meminfo.MemFree, vmstat.pswpout, procfs.walk_us.';
COMMENT ON COLUMN counter.value IS 'Its value, in the unit its name ends with, or the source''s own (meminfo: bytes).';

CREATE TABLE output (
  run_id INTEGER NOT NULL,
  output_id USMALLINT NOT NULL,
  kind VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  file VARCHAR,
  error VARCHAR,
  took_ms UBIGINT
);
COMMENT ON TABLE output IS 'An output of a run: a chart, a table, a report.';
COMMENT ON COLUMN output.run_id IS 'The run.';
COMMENT ON COLUMN output.output_id IS 'The output, by its place in the pipeline.';
COMMENT ON COLUMN output.kind IS 'chart, sql, report or export.';
COMMENT ON COLUMN output.name IS 'The chart''s name, or the SQL text.';
COMMENT ON COLUMN output.file IS 'The file that was written; NULL if it failed.';
COMMENT ON COLUMN output.error IS 'Why it failed; NULL if it did not.';
COMMENT ON COLUMN output.took_ms IS 'How long it took.';

CREATE TABLE _installed (
  fingerprint VARCHAR NOT NULL
);
COMMENT ON TABLE _installed IS 'Which analyses are installed in this file, so that opening it for an append need not do it again.';
COMMENT ON COLUMN _installed.fingerprint IS 'Changes whenever any analysis does.';

CREATE TABLE _taken_in (
  name VARCHAR NOT NULL
);
COMMENT ON TABLE _taken_in IS 'Spill files whose records are in: one that could not be removed is not taken in twice.';
COMMENT ON COLUMN _taken_in.name IS 'The file''s name, unique for ever.';

CREATE TABLE check_result (
  run_id INTEGER NOT NULL,
  check_id USMALLINT NOT NULL,
  name VARCHAR NOT NULL,
  severity VARCHAR NOT NULL,
  result VARCHAR NOT NULL,
  violations UBIGINT,
  message VARCHAR
);
COMMENT ON TABLE check_result IS 'What a check of a run found.';
COMMENT ON COLUMN check_result.run_id IS 'The run.';
COMMENT ON COLUMN check_result.check_id IS 'The check, by its place in the pipeline.';
COMMENT ON COLUMN check_result.name IS 'Its name.';
COMMENT ON COLUMN check_result.severity IS 'fail or warn.';
COMMENT ON COLUMN check_result.result IS 'pass, fail, or empty (there was nothing to look at).';
COMMENT ON COLUMN check_result.violations IS 'How many rows it found; NULL if its SQL failed.';
COMMENT ON COLUMN check_result.message IS 'The first violation, or the error.';
