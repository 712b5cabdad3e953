-- What schemes a run had that do something: they set the ages of what they act on back to 0.
SELECT name, action FROM scheme WHERE run_id = $run AND action <> 'stat' ORDER BY scheme_id
