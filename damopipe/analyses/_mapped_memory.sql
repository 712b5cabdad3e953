-- Which mapping each part of a target's address space was last, over the whole run.
-- requires: nothing
CREATE OR REPLACE VIEW _mapped_memory AS
WITH known AS (
  SELECT run_id, target_id, start_addr, end_addr, name, max(ts) AS last_ts FROM mapping GROUP BY ALL
),
edges AS (
  SELECT run_id, target_id, start_addr AS addr FROM known
  UNION
  SELECT run_id, target_id, end_addr FROM known
),
parts AS (
  SELECT run_id, target_id, addr, lead(addr) OVER (PARTITION BY run_id, target_id ORDER BY addr) AS end_addr FROM edges
)
SELECT p.run_id, p.target_id, p.addr AS start_addr, p.end_addr, arg_max_null(k.name, k.last_ts) AS name
FROM parts AS p
JOIN known AS k ON k.run_id = p.run_id AND k.target_id = p.target_id AND k.start_addr <= p.addr AND k.end_addr > p.addr
GROUP BY ALL;

COMMENT ON VIEW _mapped_memory IS 'Which mapping each part of a target''s address space was last, over the whole run.';
COMMENT ON COLUMN _mapped_memory.run_id IS 'The run.';
COMMENT ON COLUMN _mapped_memory.target_id IS 'The target.';
COMMENT ON COLUMN _mapped_memory.start_addr IS 'The first byte.';
COMMENT ON COLUMN _mapped_memory.end_addr IS 'One past the last byte.';
COMMENT ON COLUMN _mapped_memory.name IS 'The mapping''s name; NULL for plain anonymous memory.';
