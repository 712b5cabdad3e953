-- Whether a target is asked for: by its number, or by its context.
-- requires: nothing
-- Targets are numbered over all contexts of a run.
CREATE OR REPLACE MACRO _is_asked(run, id, target, context) AS (
  (target IS NULL OR id = target)
  AND (context IS NULL OR (run, id) IN (SELECT (t.run_id, t.target_id) FROM target AS t WHERE t.context_id = context))
);

COMMENT ON MACRO _is_asked IS 'Whether a target is asked for: by its number, or by its context.';
