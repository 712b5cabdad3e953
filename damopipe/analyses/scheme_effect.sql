-- What each scheme tried and applied since the record before, beside memory, swap and huge pages at that time.
-- requires: nothing
CREATE OR REPLACE VIEW scheme_effect AS
WITH footprint AS (
  SELECT
    run_id,
    ts,
    sum(rss_bytes)::UBIGINT AS rss_bytes,
    sum(swap_bytes)::UBIGINT AS swap_bytes
  FROM process
  WHERE role = 'target'
  GROUP BY run_id, ts
),
huge AS (
  SELECT run_id, ts, value::UBIGINT AS huge_bytes FROM counter WHERE name = 'meminfo.AnonHugePages'
),
steps AS (
  SELECT
    run_id,
    scheme_id,
    ts,
    nr_tried,
    sz_tried,
    nr_applied,
    sz_applied,
    -- A kernel counter can be set back by a new kdamond: then what there is now came since.
    CASE WHEN sz_tried >= lag(sz_tried) OVER earlier THEN sz_tried - lag(sz_tried) OVER earlier ELSE sz_tried END AS tried_bytes,
    CASE WHEN sz_applied >= lag(sz_applied) OVER earlier THEN sz_applied - lag(sz_applied) OVER earlier ELSE sz_applied END
      AS applied_bytes
  FROM scheme_stat
  WINDOW earlier AS (PARTITION BY run_id, scheme_id ORDER BY ts)
)
SELECT
  s.run_id,
  s.scheme_id,
  d.name,
  d.action,
  s.ts,
  s.tried_bytes,
  s.applied_bytes,
  s.sz_tried,
  s.sz_applied,
  f.rss_bytes,
  f.swap_bytes,
  h.huge_bytes
FROM steps AS s
JOIN scheme AS d USING (run_id, scheme_id)
ASOF LEFT JOIN footprint AS f ON s.run_id = f.run_id AND s.ts >= f.ts
ASOF LEFT JOIN huge AS h ON s.run_id = h.run_id AND s.ts >= h.ts
ORDER BY s.run_id, s.scheme_id, s.ts;

COMMENT ON VIEW scheme_effect IS 'What each scheme tried and applied since the record before, beside memory, swap and huge pages at that time.';
COMMENT ON COLUMN scheme_effect.run_id IS 'The run.';
COMMENT ON COLUMN scheme_effect.scheme_id IS 'The scheme, counted over all contexts of the run.';
COMMENT ON COLUMN scheme_effect.name IS 'Its name in the pipeline.';
COMMENT ON COLUMN scheme_effect.action IS 'Its DAMOS action.';
COMMENT ON COLUMN scheme_effect.ts IS 'When the kernel was asked.';
COMMENT ON COLUMN scheme_effect.tried_bytes IS 'Bytes of regions that matched and were tried since the record before.';
COMMENT ON COLUMN scheme_effect.applied_bytes IS 'Bytes that the action says it was applied to since the record before; far too low for pageout of a region with holes.';
COMMENT ON COLUMN scheme_effect.sz_tried IS 'The same in all, as the kernel counts it.';
COMMENT ON COLUMN scheme_effect.sz_applied IS 'The same in all, as the kernel counts it.';
COMMENT ON COLUMN scheme_effect.rss_bytes IS 'Resident memory of all targets at the last sample; NULL without record.also = ["process"].';
COMMENT ON COLUMN scheme_effect.swap_bytes IS 'What of all targets was swapped out at the last sample; NULL as above.';
COMMENT ON COLUMN scheme_effect.huge_bytes IS 'Anonymous huge pages of the whole system at the last sample; NULL without record.also = ["system"].';
