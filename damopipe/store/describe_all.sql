-- Everything public in a store: tables, views and macros, with what they are.
SELECT kind, name, any_value(comment) AS comment
FROM (
  SELECT 'table' AS kind, table_name AS name, comment FROM duckdb_tables() WHERE NOT internal
  UNION ALL
  SELECT 'view', view_name, comment FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' AND sql IS NOT NULL
  UNION ALL
  SELECT 'macro', function_name, comment FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'
)
WHERE name NOT LIKE '\_%' ESCAPE '\' AND comment IS NOT NULL
GROUP BY kind, name
ORDER BY kind = 'table', kind, name;
