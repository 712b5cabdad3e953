-- The snapshots of a run as damo times and totals them.
-- requires: _damo_snapshots, region
-- Columns: target_id; ts; number, from 0; from_ns, to_ns on the recording's clock; sample_us, aggr_us; nr_regions;
-- total_bytes of its regions, passed_bytes of them that passed the scheme's filters (NULL without); bandwidth_bytes and
-- passed_bandwidth_bytes, damo's estimate for a second: bytes times samples by aggregation, as if each sample meant that every
-- byte was accessed once; NULL where the recording has no intervals.
CREATE OR REPLACE MACRO damo_snapshots(run, target := NULL) AS TABLE
SELECT
  s.target_id,
  s.ts,
  s.number,
  s.start_ns AS from_ns,
  s.end_ns AS to_ns,
  s.sample_us,
  s.aggr_us,
  count(r.ts) AS nr_regions,
  coalesce(sum(r.size_bytes), 0)::UBIGINT AS total_bytes,
  sum(r.filter_passed_bytes)::UBIGINT AS passed_bytes,
  CASE
    WHEN s.aggr_us > 0 THEN coalesce(sum(r.size_bytes::HUGEINT * r.nr_accesses), 0)::DOUBLE / (s.aggr_us / 1000000)
  END AS bandwidth_bytes,
  CASE
    WHEN s.aggr_us > 0 THEN sum(r.filter_passed_bytes::HUGEINT * r.nr_accesses)::DOUBLE / (s.aggr_us / 1000000)
  END AS passed_bandwidth_bytes
FROM _damo_snapshots(run, target := target) AS s
LEFT JOIN region AS r ON r.run_id = run AND r.target_id = s.target_id AND r.ts = s.ts
GROUP BY s.target_id, s.ts, s.number, s.start_ns, s.end_ns, s.sample_us, s.aggr_us
ORDER BY s.target_id, s.number;

COMMENT ON MACRO TABLE damo_snapshots IS 'The snapshots of a run as damo times and totals them.';
