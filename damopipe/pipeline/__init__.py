"""Pipeline files: text to `Pipeline` (load), `Pipeline` to `Plan` (plan). Pure but for reading the file."""
