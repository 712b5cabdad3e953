"""What a pipeline file may name, from the rooms that have it: charts, known workloads, DuckDB's parser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from damopipe.errors import UsageError
from damopipe.pipeline.load import Loaded, Surroundings, load_bytes
from damopipe.pipeline.load import load_pipeline as load


def surroundings() -> Surroundings:
    """The real ones. DuckDB is imported only when there is SQL to look at."""
    from damopipe.charts import CHARTS
    from damopipe.simulator.generators import MODELS
    from damopipe.workload import SHAPES

    return Surroundings(
        charts=CHARTS,
        shapes=tuple(SHAPES),
        sql_error=_sql_error,
        option_error=_option_error,
        models=MODELS,
        model_error=_model_error,
    )


def _sql_error(text: str) -> str | None:
    from damopipe.store import sql_error

    return sql_error(text)


def _option_error(name: str, given: Mapping[str, Any]) -> str | None:
    from damopipe.outputs.chart import checked_options

    try:
        checked_options(name, given)
    except UsageError as error:
        return str(error)
    return None


def _model_error(text: str) -> str | None:
    from damopipe.simulator.generators import check

    try:
        check(text)
    except UsageError as error:
        return str(error)
    return None


def load_pipeline(path: Path | str, sets: Mapping[str, str] | None = None, running: Mapping[str, Any] | None = None) -> Loaded:
    """Reads and checks a pipeline file, or one that is laid over what runs (`pipeline.merge`).

    Raises UsageError, or PipelineError with every problem of the file.
    """
    return load(Path(path), sets or {}, surroundings(), running)


def check_pipeline(path: Path, text: str, sets: Mapping[str, str] | None = None) -> Loaded:
    """Checks the text of a pipeline that `path` has or is to have. Raises PipelineError with every problem."""
    return load_bytes(path, text.encode(), sets or {}, surroundings())
