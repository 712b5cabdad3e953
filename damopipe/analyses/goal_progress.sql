-- How near each quota goal was to its target, over time.
-- requires: nothing
CREATE OR REPLACE VIEW goal_progress AS
WITH goal_of AS (
  SELECT
    v.run_id,
    v.scheme_id,
    s.name,
    v.goal,
    json_extract(s.definition, '$.quota.goals[' || v.goal || ']') AS asked,
    v.ts,
    v.current_value
  FROM scheme_goal AS v
  JOIN scheme AS s USING (run_id, scheme_id)
)
SELECT
  run_id,
  scheme_id,
  name,
  goal,
  asked ->> '$.metric' AS metric,
  ts,
  (asked ->> '$.target_value')::UBIGINT AS target_value,
  current_value,
  current_value / nullif((asked ->> '$.target_value')::DOUBLE, 0) AS achieved
FROM goal_of
ORDER BY run_id, scheme_id, goal, ts;

COMMENT ON VIEW goal_progress IS 'How near each quota goal was to its target, over time.';
COMMENT ON COLUMN goal_progress.run_id IS 'The run.';
COMMENT ON COLUMN goal_progress.scheme_id IS 'The scheme, counted over all contexts of the run.';
COMMENT ON COLUMN goal_progress.name IS 'Its name in the pipeline.';
COMMENT ON COLUMN goal_progress.goal IS 'The goal, by its place in the scheme.';
COMMENT ON COLUMN goal_progress.metric IS 'What is measured; the ending is its unit: us, or bp (1/10,000).';
COMMENT ON COLUMN goal_progress.ts IS 'When it was read, UTC.';
COMMENT ON COLUMN goal_progress.target_value IS 'What the quota is tuned towards.';
COMMENT ON COLUMN goal_progress.current_value IS 'What it was; NULL for what only the kernel can measure.';
COMMENT ON COLUMN goal_progress.achieved IS 'current_value / target_value: below 1 the quota grows, above it shrinks.';
