-- The phases of a run: stretches of time between which the working set changed, and its median in each.
-- requires: working_set, _is_asked, _is_within
-- Least squares with a price for each change, by the recurrence that is exact (optimal partitioning: Jackson et al., "An
-- algorithm for optimal partitioning of data on an interval", 2005), over the medians of at most `bins` groups of equally many
-- snapshots, so that outliers count little; what is shorter than about a fiftieth of it all is an outlier. Sizes are taken
-- as logarithms, as noise grows with them, after a fiftieth of the largest was added, below which nothing is a step. The noise
-- is told from the steps between neighbours (their median absolute value, as changes are few), and is taken for a
-- twentieth at least. A change costs 2 * price * noise² * ln n: at a price of 1 the Bayesian criterion (Yao, "Estimating the
-- number of change-points via Schwarz' criterion", 1988); working sets, whose noise has memory, need more.
CREATE OR REPLACE MACRO phases(
  run, target := NULL, context := NULL, from_ts := NULL, to_ts := NULL, bins := 240, price := 3
) AS TABLE
WITH RECURSIVE ends AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    coalesce(start_ts, lag(ts) OVER (PARTITION BY target_id ORDER BY ts), ts) AS start_ts,
    min(epoch_ns(coalesce(start_ts, ts))) OVER () AS first_ns
  FROM snapshot
  WHERE run_id = run
),
series AS MATERIALIZED (
  SELECT
    target_id,
    ts,
    e.start_ts,
    first_ns,
    w.accessed_bytes,
    ntile(bins) OVER (PARTITION BY target_id ORDER BY ts) AS bin
  FROM working_set AS w
  JOIN ends AS e USING (ts, target_id)
  WHERE w.run_id = run
    AND w.accessed_bytes IS NOT NULL
    AND _is_asked(run, target_id, target, context)
    AND _is_within(ts, from_ts, to_ts)
),
levels AS (
  SELECT
    *,
    list_median(list(level) OVER (
      PARTITION BY target_id ORDER BY bin ROWS BETWEEN greatest(n // 48, 1) PRECEDING AND greatest(n // 48, 1) FOLLOWING)) AS smooth
  FROM (
    SELECT
      target_id,
      bin,
      ln(size + greatest(max(size) OVER all_bins / 50, 1)) AS level,
      count(*) OVER all_bins AS n
    FROM (SELECT target_id, bin, median(accessed_bytes::DOUBLE) AS size FROM series GROUP BY target_id, bin)
    WINDOW all_bins AS (PARTITION BY target_id)
  )
),
sums AS MATERIALIZED (  -- of the first 0, 1, 2 … levels and of their squares; a stretch costs what it differs from its mean
  SELECT
    target_id,
    list_prepend(0::DOUBLE, list(total ORDER BY bin)) AS total,
    list_prepend(0::DOUBLE, list(squares ORDER BY bin)) AS squares,
    count(*) AS n,
    greatest(count(*) // 48 + 1, 2) AS least_bins,
    2 * price * ln(count(*)) * pow(greatest(median(abs(step)) / 0.6745 / sqrt(2), 0.05), 2) AS cost
  FROM (
    SELECT
      target_id,
      bin,
      level - lag(level) OVER in_order AS step,
      sum(smooth - usual) OVER in_order AS total,
      sum(pow(smooth - usual, 2)) OVER in_order AS squares
    FROM (SELECT *, median(smooth) OVER (PARTITION BY target_id) AS usual FROM levels)
    WINDOW in_order AS (PARTITION BY target_id ORDER BY bin)
  )
  GROUP BY target_id
),
-- costs[t + 1] is what the first t bins cost at best, begins[t] the bin with which their last stretch begins. None is
-- shorter than least_bins, unless it is all there is.
best AS (
  SELECT target_id, 0 AS t, [0::DOUBLE] AS costs, []::BIGINT[] AS begins FROM sums
  UNION ALL
  SELECT
    target_id,
    t + 1 AS t,
    list_append(costs, list_min(choices)) AS costs,
    list_append(begins, list_position(choices, list_min(choices))::BIGINT) AS begins
  FROM (
    SELECT
      b.*,
      list_transform(
        range(1, greatest(b.t + 2 - o.least_bins, 1) + 1),
        lambda s: CASE WHEN s BETWEEN 2 AND o.least_bins THEN 'inf'::DOUBLE ELSE
          b.costs[s] + CASE WHEN s > 1 THEN o.cost ELSE 0 END
          + o.squares[b.t + 2] - o.squares[s] - pow(o.total[b.t + 2] - o.total[s], 2) / (b.t + 2 - s) END
      ) AS choices
    FROM best AS b
    JOIN sums AS o USING (target_id)
    WHERE b.t < o.n
  )
),
cuts AS (  -- from the end back to the beginning
  SELECT b.target_id, b.begins, b.begins[b.t] AS first_bin, b.t::BIGINT AS last_bin
  FROM best AS b
  JOIN sums AS o ON o.target_id = b.target_id AND o.n = b.t
  UNION ALL
  SELECT target_id, begins, begins[first_bin - 1] AS first_bin, first_bin - 1 AS last_bin
  FROM cuts
  WHERE first_bin > 1
)
SELECT
  c.target_id,
  (row_number() OVER (PARTITION BY c.target_id ORDER BY c.first_bin) - 1)::INTEGER AS phase,
  min(s.start_ts) AS from_ts,
  max(s.ts) AS to_ts,
  (epoch_ns(min(s.start_ts)) - any_value(s.first_ns)) / 1e9::DOUBLE AS from_seconds,
  (epoch_ns(max(s.ts)) - any_value(s.first_ns)) / 1e9::DOUBLE AS to_seconds,
  quantile_disc(s.accessed_bytes, 0.5)::UBIGINT AS accessed_bytes
FROM cuts AS c
JOIN series AS s ON s.target_id = c.target_id AND s.bin BETWEEN c.first_bin AND c.last_bin
GROUP BY c.target_id, c.first_bin
ORDER BY c.target_id, c.first_bin;

COMMENT ON MACRO TABLE phases IS
  'The phases of a run: stretches of time between which the working set changed, and its median in each.';
