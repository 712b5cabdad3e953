-- Whether a run can be trusted: one row a target and check, with what to do where it is not fine.
-- requires: working_set
-- Limits: real servers of 60 GiB at 5 ms/100 ms stay at the fewest regions without an access, and are seen well at 400 ms/8 s;
-- a kdamond takes 1 to 4 % of a CPU as it should be; regions of more than a GiB on average hide what is hot within them.
CREATE OR REPLACE VIEW run_health AS
WITH seen AS (
  SELECT
    s.run_id,
    s.target_id,
    s.ts,
    d.backend = 'procfs' AS is_procfs,
    s.lost_events,
    s.nr_regions,
    w.accessed_bytes::DOUBLE AS accessed_bytes,
    w.watched_bytes::DOUBLE AS watched_bytes,
    w.watched_bytes / nullif(s.nr_regions, 0) / 1048576.0 AS region_mib,
    CASE WHEN s.aggr_us > 0 THEN (epoch_ns(s.ts) - epoch_ns(s.start_ts)) / 10.0 / s.aggr_us - 100 END AS drift_percent,
    c.min_nr_regions,
    c.max_nr_regions
  FROM snapshot AS s
  JOIN working_set AS w USING (run_id, target_id, ts)
  JOIN target AS t USING (run_id, target_id)
  JOIN run AS d USING (run_id)
  LEFT JOIN context AS c USING (run_id, context_id)
),
told AS (
  SELECT
    run_id,
    target_id,
    bool_or(is_procfs) AS is_procfs,
    sum(lost_events)::DOUBLE AS lost,
    avg((accessed_bytes = 0)::INTEGER) * 100 AS no_access_percent,
    -- Of the bytes of snapshots in which anything is known; of none of them where nothing was accessed at all.
    100 - 100 * sum(accessed_bytes) / nullif(sum(watched_bytes) FILTER (WHERE accessed_bytes IS NOT NULL), 0) AS idle_percent,
    avg((nr_regions >= max_nr_regions)::INTEGER) * 100 AS at_most_percent,
    -- Backends without limits have no fewest regions to be at.
    avg(CASE WHEN min_nr_regions IS NOT NULL THEN (nr_regions::BIGINT - 1 <= min_nr_regions AND accessed_bytes = 0)::INTEGER END) * 100
      AS dark_percent,
    median(region_mib) AS region_mib,
    median(drift_percent) AS drift_percent
  FROM seen
  GROUP BY run_id, target_id
),
cpu AS (  -- of one CPU, over the time in which the process was sampled
  SELECT run_id, role, sum(spent_us / nullif(lasted_us, 0)) * 100 AS percent
  FROM (
    SELECT
      run_id,
      role,
      pid,
      max(cpu_user_us + cpu_system_us)::DOUBLE - min(cpu_user_us + cpu_system_us)::DOUBLE AS spent_us,
      (epoch_ns(max(ts)) - epoch_ns(min(ts))) / 1000.0 AS lasted_us
    FROM process
    WHERE role IN ('kdamond', 'self')
    GROUP BY run_id, role, pid
  )
  GROUP BY run_id, role
),
checks AS (
  SELECT
    run_id, target_id, 'lost events' AS name, lost AS value, 'events' AS unit, lost = 0 AS is_fine,
    'the reader was late; a smaller regions.max or a longer aggregation makes fewer events' AS advice
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'snapshots without an access', no_access_percent, '%', no_access_percent < 90,
    CASE WHEN is_procfs THEN 'the target was idle; heat maps are dark for that'
    ELSE 'the target was idle, or so much memory needs a longer aggregation: try aggregation = "2s", or autotune' END
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'snapshots at the fewest regions, without an access', dark_percent, '%', dark_percent < 50,
    'the kernel saw nothing to split regions by, which makes heat maps dark: lengthen sample and aggregation (100ms and 2s), or use autotune'
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'memory without an access', idle_percent, '%', idle_percent < 99.9,
    CASE WHEN is_procfs THEN 'next to nothing was in use, which makes heat maps dark: look at a part of the addresses'
    ELSE 'next to nothing was found in use, which makes heat maps dark: if it was, lengthen sample and aggregation, or use autotune'
    END
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'snapshots at the most regions', at_most_percent, '%', at_most_percent < 50,
    'there was more to tell apart than regions.max allows: raise it, if its cost can be afforded'
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'memory a region', region_mib, 'MiB', region_mib < 1024,
    CASE WHEN is_procfs THEN 'a mapping is one region here: what is hot within it only the damon backend can tell'
    ELSE 'what is hot within a region is not told apart: raise regions.min and regions.max, or watch less memory' END
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'aggregations longer than asked', drift_percent, '%', drift_percent < 100,
    'the machine was too busy to sample on time: read rates with care, or ask for longer intervals'
  FROM told
  UNION ALL
  SELECT
    run_id, (SELECT min(target_id) FROM target AS t WHERE t.run_id = cpu.run_id),
    CASE role WHEN 'self' THEN 'CPU time of damopipe' ELSE 'CPU time of DAMON' END, percent, '%', percent < 10,
    CASE role WHEN 'self' THEN 'watching cost more than it should: sample less often'
    ELSE 'watching cost more than it should: a longer sample interval or a smaller regions.max makes it cheaper' END
  FROM cpu
)
SELECT
  run_id,
  target_id,
  name,
  round(value, 2)::DOUBLE AS value,
  unit,
  is_fine,
  CASE WHEN is_fine THEN NULL ELSE advice END AS advice
FROM checks
WHERE value IS NOT NULL
ORDER BY run_id, target_id, name;

COMMENT ON VIEW run_health IS 'Whether a run can be trusted: one row a target and check, with what to do where it is not fine.';
COMMENT ON COLUMN run_health.run_id IS 'The run.';
COMMENT ON COLUMN run_health.target_id IS 'The target; CPU time is that of all of them, and has a row for the first alone.';
COMMENT ON COLUMN run_health.name IS 'What is checked; a check for which nothing is known has no row.';
COMMENT ON COLUMN run_health.value IS
  'What was found, in `unit`: a sum of events, a share of snapshots, of bytes or of one CPU, or the median of all snapshots.';
COMMENT ON COLUMN run_health.unit IS 'events, % or MiB.';
COMMENT ON COLUMN run_health.is_fine IS 'Whether that is as it should be.';
COMMENT ON COLUMN run_health.advice IS 'What it means and what to do; NULL where it is fine.';
