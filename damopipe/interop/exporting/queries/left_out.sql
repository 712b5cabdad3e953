-- How much of a run damo's formats have no place for.
SELECT
  (SELECT coalesce(sum(lost_events), 0)::BIGINT FROM snapshot WHERE run_id = $run) AS lost_events,
  (SELECT count(referenced_bytes) FROM _region WHERE run_id = $run) AS referenced,
  (SELECT count(filter_passed_bytes) FROM _region WHERE run_id = $run) AS filtered,
  (SELECT count(*) FILTER (WHERE nr_accesses IS NULL) FROM _region WHERE run_id = $run) AS unknown,
  (SELECT count(*) FROM probe_hit WHERE run_id = $run) AS probes,
  (SELECT count(*) FROM scheme_stat AS s WHERE run_id = $run AND NOT EXISTS (  -- those of the scheme of a snapshot have a place
    FROM _region AS r WHERE r.run_id = $run AND r.ts = s.ts AND r.filter_passed_bytes IS NOT NULL
  )) + (SELECT count(*) FROM scheme_region WHERE run_id = $run) AS schemes,
  (SELECT count(*) FROM process WHERE run_id = $run AND (rss_bytes IS NOT NULL OR vsz_bytes IS NOT NULL)) AS footprints,
  (SELECT count(coalesce(cpu_user_us, minor_faults, swap_bytes)) FROM process WHERE run_id = $run) AS processes,
  (SELECT count(*) FROM mapping WHERE run_id = $run) AS mappings,
  (SELECT count(*) FROM counter WHERE run_id = $run) AS counters;
