-- Whether a run can be trusted: one row a target and check, with what to do where it is not fine.
-- requires: working_set
CREATE OR REPLACE VIEW run_health AS
WITH seen AS (
  SELECT
    s.run_id,
    s.target_id,
    s.ts,
    s.lost_events,
    s.nr_regions,
    w.accessed_bytes,
    CASE WHEN s.aggr_us > 0 THEN (epoch_ns(s.ts) - epoch_ns(s.start_ts)) / 10.0 / s.aggr_us - 100 END AS drift_percent,
    c.min_nr_regions,
    c.max_nr_regions
  FROM snapshot AS s
  JOIN working_set AS w USING (run_id, target_id, ts)
  JOIN target AS t USING (run_id, target_id)
  LEFT JOIN context AS c USING (run_id, context_id)
),
told AS (
  SELECT
    run_id,
    target_id,
    sum(lost_events)::DOUBLE AS lost,
    avg((accessed_bytes = 0)::INTEGER) * 100 AS no_access_percent,
    avg((nr_regions >= max_nr_regions)::INTEGER) * 100 AS at_most_percent,
    -- Backends without limits have no fewest regions to be at.
    avg(CASE WHEN min_nr_regions IS NOT NULL THEN (nr_regions <= min_nr_regions + 1 AND accessed_bytes = 0)::INTEGER END) * 100
      AS dark_percent,
    median(drift_percent) AS drift_percent
  FROM seen
  GROUP BY run_id, target_id
),
checks AS (
  SELECT
    run_id, target_id, 'lost events' AS name, lost AS value, 'events' AS unit, lost = 0 AS is_fine,
    'the reader was late; a smaller regions.max or a longer aggregation makes fewer events' AS advice
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'snapshots without an access', no_access_percent, '%', no_access_percent < 90,
    'the target was idle, or so much memory needs a longer aggregation: try aggregation = "2s", or autotune'
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'snapshots at the fewest regions, without an access', dark_percent, '%', dark_percent < 50,
    'the kernel saw nothing to split regions by, which makes heat maps dark: lengthen the aggregation, or use autotune'
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'snapshots at the most regions', at_most_percent, '%', at_most_percent < 50,
    'there was more to tell apart than regions.max allows: raise it, if its cost can be afforded'
  FROM told
  UNION ALL
  SELECT
    run_id, target_id, 'aggregations longer than asked', drift_percent, '%', drift_percent < 100,
    'the machine was too busy to sample on time: read rates with care, or ask for longer intervals'
  FROM told
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
COMMENT ON COLUMN run_health.target_id IS 'The target.';
COMMENT ON COLUMN run_health.name IS 'What is checked; a check for which nothing is known has no row.';
COMMENT ON COLUMN run_health.value IS 'What was found, in `unit`: a sum of events, a share of snapshots, or the median of all aggregations.';
COMMENT ON COLUMN run_health.unit IS 'events, or %.';
COMMENT ON COLUMN run_health.is_fine IS 'Whether that is as it should be.';
COMMENT ON COLUMN run_health.advice IS 'What it means and what to do; NULL where it is fine.';
