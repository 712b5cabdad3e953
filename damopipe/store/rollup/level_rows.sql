-- The rows of one width, of the edges in rollup_edge. What is rounded are the sums from below, so that a heat map, which
-- sums the differences up again, is never off by more than half a microsecond.
INSERT INTO _rollup_heat
WITH widths AS (
  SELECT l.target_id, (SELECT min(n.width_s) FROM _rollup_level AS n WHERE n.run_id = $run AND n.target_id = l.target_id) AS narrowest
  FROM _rollup_level AS l
  WHERE l.run_id = $run AND l.width_s = $width
),
edges AS (
  SELECT
    target_id, bin * narrowest // $width AS bin, cell,
    sum(watched) AS watched, sum(watched_later) AS watched_later, sum(heat) AS heat, sum(heat_later) AS heat_later
  FROM rollup_edge
  JOIN widths USING (target_id)
  GROUP BY ALL
),
sums AS (
  SELECT
    *,
    round(sum(watched) OVER below) AS watched_sum,
    round(sum(heat) OVER below) AS heat_sum
  FROM edges
  WINDOW below AS (PARTITION BY target_id, bin ORDER BY cell)
),
steps AS (
  SELECT
    target_id,
    bin,
    cell,
    (watched_sum - lag(watched_sum, 1, 0) OVER below)::INTEGER AS watched_us,
    round(watched_later)::INTEGER AS watched_later_us,
    (heat_sum - lag(heat_sum, 1, 0) OVER below)::INTEGER AS heat_us,
    round(heat_later)::INTEGER AS heat_later_us
  FROM sums
  WINDOW below AS (PARTITION BY target_id, bin ORDER BY cell)
)
SELECT
  $run AS run_id, target_id, $width AS width_s, make_timestamp_ns(bin * $width * 1_000_000_000::BIGINT) AS ts,
  cell, watched_us, watched_later_us, heat_us, heat_later_us
FROM steps
WHERE watched_us <> 0 OR watched_later_us <> 0 OR heat_us <> 0 OR heat_later_us <> 0
ORDER BY target_id, bin, cell;
