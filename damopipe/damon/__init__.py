"""DAMON's nouns as frozen pydantic models: no I/O, no defaults that a kernel decides.

Numbers carry their unit in the name; `None` as an upper bound is "no limit", which `kernel.sysfs` writes as the
field's own maximum. Kernel document: Documentation/mm/damon/design.rst.
"""
