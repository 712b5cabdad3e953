"""What a pipeline file may name, from the rooms that have it: charts, known workloads, DuckDB's parser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from damopipe.pipeline.load import Loaded, Surroundings
from damopipe.pipeline.load import load_pipeline as load


def surroundings() -> Surroundings:
    """The real ones. DuckDB is imported only when there is SQL to look at."""
    from damopipe.charts import CHARTS
    from damopipe.workload import SHAPES

    return Surroundings(charts=CHARTS, shapes=tuple(SHAPES), sql_error=_sql_error)


def _sql_error(text: str) -> str | None:
    from damopipe.store import sql_error

    return sql_error(text)


def load_pipeline(path: Path | str, sets: Mapping[str, str] | None = None) -> Loaded:
    """Reads and checks a pipeline file. Raises UsageError, or PipelineError with every problem of the file."""
    return load(Path(path), sets or {}, surroundings())
