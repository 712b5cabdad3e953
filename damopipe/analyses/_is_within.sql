-- Whether a time is in a range, both ends included; an end that is NULL is none.
-- requires: nothing
CREATE OR REPLACE MACRO _is_within(moment, from_ts, to_ts) AS (
  (from_ts IS NULL OR moment >= from_ts::TIMESTAMP_NS) AND (to_ts IS NULL OR moment <= to_ts::TIMESTAMP_NS)
);

COMMENT ON MACRO _is_within IS 'Whether a time is in a range, both ends included; an end that is NULL is none.';
