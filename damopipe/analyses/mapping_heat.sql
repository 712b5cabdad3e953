-- How large each mapping of a run was, and how hot: mappings of one name are one.
-- requires: _address_heat
CREATE OR REPLACE MACRO mapping_heat(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, from_addr := NULL, to_addr := NULL
) AS TABLE
WITH parts AS (
  SELECT
    run_id,
    target_id,
    name,
    total_seconds,
    (end_addr - start_addr) * watched_seconds AS watched,
    (end_addr - start_addr) * heat_seconds AS heat,
    (end_addr - start_addr) * accessed_seconds AS accessed
  FROM _address_heat(
    run, target := target, context := context, from_ts := from_ts, to_ts := to_ts,
    from_addr := from_addr, to_addr := to_addr
  )
  WHERE is_mapped
),
sums AS (
  SELECT
    run_id,
    target_id,
    name,
    sum(watched) / max(total_seconds) AS size_bytes,
    sum(heat) / sum(watched) AS access_rate,
    sum(accessed) / max(total_seconds) AS accessed_bytes,
    sum(heat) / nullif(sum(sum(heat)) OVER (PARTITION BY run_id, target_id), 0) AS access_share
  FROM parts
  GROUP BY run_id, target_id, name
)
SELECT
  run_id,
  target_id,
  name,
  round(size_bytes)::UBIGINT AS size_bytes,
  round(access_rate, 9) AS access_rate,
  round(accessed_bytes)::UBIGINT AS accessed_bytes,
  round(access_share, 9) AS access_share
FROM sums
ORDER BY run_id, target_id, access_share DESC NULLS LAST, size_bytes DESC, name;

CREATE OR REPLACE VIEW mapping_heat AS FROM mapping_heat(NULL);

COMMENT ON VIEW mapping_heat IS 'How large each mapping of a run was, and how hot: mappings of one name are one.';
COMMENT ON COLUMN mapping_heat.run_id IS 'The run.';
COMMENT ON COLUMN mapping_heat.target_id IS 'The target.';
COMMENT ON COLUMN mapping_heat.name IS 'The file, [heap], [stack], or a name that the program gave; NULL for plain anonymous memory.';
COMMENT ON COLUMN mapping_heat.size_bytes IS 'How much of it was watched, on average over the run.';
COMMENT ON COLUMN mapping_heat.access_rate IS 'The share of samples that found it accessed, 0 to 1: the mean over its bytes and over the time for which they were watched.';
COMMENT ON COLUMN mapping_heat.accessed_bytes IS 'How much of it was in the working set (see working_set), on average over the run.';
COMMENT ON COLUMN mapping_heat.access_share IS 'Its share of the accesses to all mappings of the target, 0 to 1; NULL where there were none.';
COMMENT ON MACRO TABLE mapping_heat IS
  'How large each mapping of a run was, and how hot: mappings of one name are one.';
