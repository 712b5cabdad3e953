-- The edges of the regions of the snapshots in rollup_fresh, over addresses alone.
INSERT INTO _rollup_address
SELECT *
FROM _address_edges(
  $run, from_ts := (SELECT min(ts) FROM rollup_fresh), to_ts := (SELECT max(ts) FROM rollup_fresh), unrolled := true
)
ORDER BY target_id, bin;
