-- The snapshots of a run in order, with what is known of idle memory at each.
SELECT
  s.target_id,
  s.ts,
  k.aggr_us::DOUBLE AS aggr_us,
  k.known_us::DOUBLE AS known_us,
  k.lasted_us::DOUBLE AS lasted_us,
  coalesce(s.nr_samples, s.aggr_us // nullif(s.sample_us, 0))::BIGINT AS nr_samples,
  coalesce(s.nr_regions, 1000)::BIGINT AS nr_regions
FROM snapshot AS s
JOIN _idle_reach($run) AS k USING (target_id, ts)
WHERE s.run_id = $run
ORDER BY s.target_id, s.ts
