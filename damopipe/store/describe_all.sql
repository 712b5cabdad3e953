-- Everything public in a store: tables, views and macros, with what they are. A view may have a macro of its name, with ranges.
WITH every AS (
  SELECT 'table' AS is_a, table_name AS name, comment FROM duckdb_tables() WHERE NOT internal
  UNION ALL
  SELECT 'view', view_name, comment FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' AND sql IS NOT NULL
  UNION ALL
  SELECT 'macro', function_name, comment FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'
)
SELECT string_agg(DISTINCT is_a, ' and ' ORDER BY is_a DESC) AS kind, name, any_value(comment) AS comment
FROM every
WHERE name NOT LIKE '\_%' ESCAPE '\' AND comment IS NOT NULL
GROUP BY name
ORDER BY kind = 'table', kind, name;
