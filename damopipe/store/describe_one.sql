-- The columns of a table or view with what they mean, and the parameters of a macro.
SELECT "column", any_value(type) AS type, any_value(comment) AS comment
FROM (
  SELECT column_name AS "column", data_type AS type, comment, column_index AS place
  FROM duckdb_columns()
  WHERE table_name = $name AND NOT internal
  UNION ALL
  SELECT unnest(parameters), 'parameter', NULL, generate_subscripts(parameters, 1)
  FROM duckdb_functions()
  WHERE function_name = $name AND function_type = 'table_macro' AND NOT internal
)
GROUP BY "column"
ORDER BY any_value(type) = 'parameter', min(place);
