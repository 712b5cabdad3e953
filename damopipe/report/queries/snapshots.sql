-- The snapshots of a target whose regions are told one by one, at most about `most` regions: all where they fit; else
-- half of them in one stretch around the largest working set, the other half evenly over the run.
WITH counted AS (
  SELECT ts, count(*) AS regions FROM _region WHERE run_id = $run AND target_id = $target GROUP BY ts
),
numbered AS (
  SELECT
    ts,
    epoch_ns(coalesce(s.start_ts, lag(ts) OVER (ORDER BY ts), ts)) - $first_ns AS from_ns,
    epoch_ns(ts) - $first_ns AS to_ns,
    s.nr_samples,
    s.aggr_us,
    w.accessed_bytes,
    c.regions,
    row_number() OVER (ORDER BY ts) - 1 AS number,
    sum(c.regions) OVER () AS total
  FROM snapshot AS s
  JOIN working_set AS w USING (run_id, target_id, ts)
  JOIN counted AS c USING (ts)
  WHERE s.run_id = $run AND s.target_id = $target
),
peak AS (
  SELECT coalesce(max_by(number, accessed_bytes), 0) AS number FROM numbered
),
picked AS (
  SELECT
    n.*,
    sum(regions) OVER (ORDER BY abs(n.number - p.number), n.number) * 2 <= $most AS is_in_stretch,
    n.number % greatest(1, ceil(2.0 * total / greatest(1, $most)))::BIGINT = 0 AS is_even
  FROM numbered AS n, peak AS p
)
SELECT
  epoch_ns(ts)::BIGINT AS ts_ns,
  from_ns::BIGINT AS from_ns,
  to_ns::BIGINT AS to_ns,
  coalesce(nr_samples, 0)::UBIGINT AS nr_samples,
  coalesce(aggr_us, 0)::UBIGINT AS aggr_us,
  regions::UBIGINT AS regions,
  number::BIGINT AS number,
  coalesce(is_in_stretch, false) AS is_in_stretch,
  total::BIGINT AS total
FROM picked
WHERE total <= $most OR is_in_stretch OR (is_even AND $most > 0)
ORDER BY ts
