-- How often each part of the address space was accessed over a run, and which mapping it was.
-- requires: _address_edges, _is_asked, _snapshot_seconds, _mapped_memory, _is_within
-- Of every run where `run` is NULL: a condition on the run then has to reach the regions.
-- A sum of rectangles, as the heat map is, with one column: each region adds differences at its two edges, and a running
-- sum over bins of addresses makes seconds of them; only bins with an edge in them cost anything. Where a run is rolled up
-- (`damopipe runs rollup`) and no range is asked for, edges come from there.
CREATE OR REPLACE MACRO _address_heat(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, from_addr := NULL, to_addr := NULL
) AS TABLE
WITH totals AS (
  SELECT run_id, target_id, sum(seconds) AS total
  FROM _snapshot_seconds
  WHERE (run IS NULL OR run_id = run) AND _is_asked(run_id, target_id, target, context)
    AND _is_within(ts, from_ts, to_ts)
  GROUP BY run_id, target_id
),
found AS (
  FROM _address_edges(
    run, target := target, context := context, from_ts := from_ts, to_ts := to_ts, from_addr := from_addr, to_addr := to_addr,
    unrolled := from_ts IS NULL AND to_ts IS NULL AND from_addr IS NULL AND to_addr IS NULL
  )
  UNION ALL
  FROM _rollup_address
  WHERE (run IS NULL OR run_id = run) AND _is_asked(run_id, target_id, target, context)
    AND from_ts IS NULL AND to_ts IS NULL AND from_addr IS NULL AND to_addr IS NULL
),
edges AS (  -- the more was watched, the wider are bins: those of an early rollup are put together
  SELECT
    * REPLACE (
      bin >> (widest - bin_bits) AS bin,
      widest AS bin_bits,
      watched_later + watched * bytes_before AS watched_later,
      heat_later + heat * bytes_before AS heat_later,
      touched_later + touched * bytes_before AS touched_later
    )
  FROM (
    SELECT
      *,
      max(bin_bits) OVER (PARTITION BY run_id, target_id) AS widest,
      (bin - (bin >> (widest - bin_bits) << (widest - bin_bits))) << bin_bits AS bytes_before
    FROM found
  )
),
steps AS (  -- a join with two values, and not a union of two readings: only so a condition on the run reaches the regions
  SELECT
    run_id,
    target_id,
    bin_bits,
    bin + later AS bin,
    CASE WHEN later = 0 THEN first_addr END AS first_addr,
    CASE WHEN later = 0 THEN last_addr END AS last_addr,
    CASE WHEN later = 0 THEN watched - watched_later / bin_bytes ELSE watched_later / bin_bytes END AS watched,
    CASE WHEN later = 0 THEN heat - heat_later / bin_bytes ELSE heat_later / bin_bytes END AS heat,
    CASE WHEN later = 0 THEN touched - touched_later / bin_bytes ELSE touched_later / bin_bytes END AS touched
  FROM (SELECT *, (1::UBIGINT << bin_bits)::DOUBLE AS bin_bytes FROM edges)
  CROSS JOIN (VALUES (0::UBIGINT), (1)) AS t(later)
),
cells AS (
  SELECT
    run_id, target_id, bin_bits, bin, min(first_addr) AS first_addr, max(last_addr) AS last_addr,
    sum(watched) AS watched, sum(heat) AS heat, sum(touched) AS touched
  FROM steps GROUP BY ALL
),
filled AS (  -- sums of differences end near 0, not at it: less than a millionth of the time is never
  SELECT
    c.run_id, c.target_id, c.bin_bits, c.bin, c.first_addr, c.last_addr, t.total,
    lead(c.bin) OVER in_space AS end_bin,
    CASE WHEN sum(c.watched) OVER in_space > t.total / 1e6 THEN sum(c.watched) OVER in_space ELSE 0 END AS watched,
    sum(c.heat) OVER in_space AS heat,
    sum(c.touched) OVER in_space AS touched
  FROM cells AS c
  JOIN totals AS t USING (run_id, target_id)
  WINDOW in_space AS (PARTITION BY c.run_id, c.target_id ORDER BY c.bin)
),
shaped AS (  -- where watched memory begins or ends within a bin, its edge is known exactly
  SELECT
    *,
    CASE WHEN coalesce(lag(watched) OVER in_space, 0) = 0 AND first_addr IS NOT NULL THEN first_addr ELSE bin << bin_bits END
      AS start_addr,
    CASE
      WHEN lead(watched) OVER in_space = 0 AND lead(last_addr) OVER in_space IS NULL AND last_addr > bin << bin_bits
        THEN last_addr
      ELSE end_bin << bin_bits
    END AS end_addr
  FROM filled
  WINDOW in_space AS (PARTITION BY run_id, target_id ORDER BY bin)
),
segments AS (
  SELECT
    run_id, target_id, start_addr, end_addr, total,
    ((end_bin - bin) << bin_bits) / (end_addr - start_addr)::DOUBLE AS stretch,
    watched * stretch AS watched, heat * stretch AS heat, touched * stretch AS touched
  FROM shaped
  WHERE watched > 0
),
marks AS (  -- where something begins or ends: told on to all that follows, as a join of ranges costs a hundred times more
  SELECT
    run_id,
    target_id,
    CASE WHEN begins THEN start_addr ELSE end_addr END AS addr,
    total,
    CASE WHEN begins THEN watched ELSE 0 END AS watched,
    CASE WHEN begins THEN heat ELSE 0 END AS heat,
    CASE WHEN begins THEN touched ELSE 0 END AS touched,
    NULL AS is_mapped,
    NULL AS name
  FROM segments CROSS JOIN (VALUES (true), (false)) AS t(begins)
  UNION ALL
  SELECT
    run_id, target_id, CASE WHEN begins THEN start_addr ELSE end_addr END, NULL, NULL, NULL, NULL,
    begins, CASE WHEN begins THEN name END
  FROM _mapped_memory CROSS JOIN (VALUES (true), (false)) AS t(begins)
),
turns AS (  -- what ends where another begins has no end of its own
  SELECT
    run_id, target_id, addr, max(total) AS total, max(watched) AS watched, max(heat) AS heat, max(touched) AS touched,
    CASE WHEN max(is_mapped) IS NOT NULL THEN {'is_mapped': max(is_mapped), 'name': max(name)} END AS mapping
  FROM marks
  GROUP BY run_id, target_id, addr
),
parts AS (
  SELECT
    run_id, target_id, addr AS start_addr, lead(addr) OVER in_space AS end_addr,
    last_value(total IGNORE NULLS) OVER in_space AS total,
    last_value(watched IGNORE NULLS) OVER in_space AS watched, last_value(heat IGNORE NULLS) OVER in_space AS heat,
    last_value(touched IGNORE NULLS) OVER in_space AS touched, last_value(mapping IGNORE NULLS) OVER in_space AS mapping
  FROM turns
  WINDOW in_space AS (PARTITION BY run_id, target_id ORDER BY addr)
)
SELECT
  run_id,
  target_id,
  start_addr,
  end_addr,
  total AS total_seconds,
  watched AS watched_seconds,
  greatest(0, least(heat, watched)) AS heat_seconds,
  greatest(0, touched) AS accessed_seconds,
  coalesce(mapping.is_mapped, false) AS is_mapped,
  mapping.name AS name
FROM parts
WHERE watched > 0;

COMMENT ON MACRO TABLE _address_heat IS
  'How often each part of the address space was accessed over a run, and which mapping it was.';
