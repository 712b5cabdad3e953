-- Counters of the system and of the backend.
SELECT name, epoch_ns(ts) AS ns, value FROM counter WHERE run_id = $run ORDER BY name, ts;
