"""DAMON's algorithm as a model: regions, sampling, merging, splitting, ages, over memory that a workload describes.

Pure NumPy: no clocks, no files. Equal seeds give equal arrays. What is modelled and what is not: docs/simulator.md.
Kernel document: Documentation/mm/damon/design.rst.
"""

PAGE = 4096
"""The smallest region, and what regions are aligned to, in bytes."""
