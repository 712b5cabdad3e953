-- Which mapping each part of a target's address space was last, over the whole run.
-- requires: nothing
CREATE OR REPLACE VIEW _mapped_memory AS
WITH known AS (
  SELECT run_id, target_id, start_addr, end_addr, name, max(ts) AS last_ts FROM mapping GROUP BY ALL
),
edges AS (  -- the parts are what lies between two edges of any mappings, numbered
  SELECT
    run_id,
    target_id,
    addr,
    lead(addr) OVER in_space AS next_addr,
    row_number() OVER in_space AS part
  FROM (
    SELECT run_id, target_id, start_addr AS addr FROM known
    UNION
    SELECT run_id, target_id, end_addr FROM known
  )
  WINDOW in_space AS (PARTITION BY run_id, target_id ORDER BY addr)
),
held AS (  -- the parts of each mapping, by their numbers: a join of ranges would look at every pair
  SELECT k.run_id, k.target_id, k.name, k.last_ts, unnest(range(b.part, e.part)) AS part
  FROM known AS k
  JOIN edges AS b ON b.run_id = k.run_id AND b.target_id = k.target_id AND b.addr = k.start_addr
  JOIN edges AS e ON e.run_id = k.run_id AND e.target_id = k.target_id AND e.addr = k.end_addr
)
SELECT
  p.run_id,
  p.target_id,
  p.addr AS start_addr,
  p.next_addr AS end_addr,
  arg_max_null(h.name, h.last_ts) AS name
FROM held AS h
JOIN edges AS p USING (run_id, target_id, part)
GROUP BY ALL;

COMMENT ON VIEW _mapped_memory IS 'Which mapping each part of a target''s address space was last, over the whole run.';
COMMENT ON COLUMN _mapped_memory.run_id IS 'The run.';
COMMENT ON COLUMN _mapped_memory.target_id IS 'The target.';
COMMENT ON COLUMN _mapped_memory.start_addr IS 'The first byte.';
COMMENT ON COLUMN _mapped_memory.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN _mapped_memory.name IS 'The mapping''s name; NULL for plain anonymous memory.';
