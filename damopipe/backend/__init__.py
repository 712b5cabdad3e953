"""Where a plan can run: one module a backend."""
