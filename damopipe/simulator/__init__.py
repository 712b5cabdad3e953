"""DAMON as a model: what its monitoring and its schemes do to a described workload. Pure NumPy, no I/O, seeded."""
