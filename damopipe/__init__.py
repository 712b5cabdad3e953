"""Watch memory with pipelines: DAMON's records in DuckDB tables, charts as SQL.

    import damopipe

    pipeline = damopipe.load_pipeline("pipelines/quickstart.toml")

Names are imported when they are first used, so that `import damopipe` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "load_pipeline": "damopipe.outputs.surroundings",
    "make_plan": "damopipe.pipeline.plan",
    "run": "damopipe.runner",
    "Store": "damopipe.store",
}
__all__ = ["Store", "__version__", "load_pipeline", "make_plan", "run"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'damopipe' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
