-- Every table that has runs, and its columns without run_id, in types that other tools have too.
SELECT
  table_name,
  string_agg(
    CASE data_type WHEN 'HUGEINT' THEN '"' || column_name || '"::BIGINT AS "' || column_name || '"' ELSE '"' || column_name || '"' END,
    ', ' ORDER BY column_index
  ) AS columns
FROM duckdb_columns()
WHERE NOT internal
  AND schema_name = 'main'
  AND database_name = current_database()
  AND column_name <> 'run_id'
  AND NOT (table_name = 'region' AND column_name = 'size_bytes')
  AND (table_name = 'region' OR table_name IN (
    SELECT t.table_name
    FROM duckdb_tables() AS t
    JOIN duckdb_columns() AS c ON c.table_name = t.table_name AND c.column_name = 'run_id'
    WHERE t.table_name NOT LIKE '\_%' ESCAPE '\'
  ))
GROUP BY table_name
ORDER BY table_name <> 'run', table_name;
