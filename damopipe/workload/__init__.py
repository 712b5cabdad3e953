"""Known memory access patterns to run: masim's configuration format and built-in shapes."""
