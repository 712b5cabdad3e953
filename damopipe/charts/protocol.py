"""What a chart module is, and what every chart is told about its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel

    from damopipe.records import Column

Query = Callable[[str, Mapping[str, object]], dict[str, "Column"]]
"""Runs SQL with named parameters; gives columns."""


@dataclass(frozen=True)
class Heading:
    """The run that a chart is about."""

    pipeline: str
    run_id: int
    backend: str
    started: str
    targets: Mapping[int, str]
    tag: str | None = None

    def title(self, what: str) -> str:
        """ "Accesses of quickstart"; simulated data says so in every title."""
        simulated = "SIMULATED: " if self.backend == "simulate" else ""
        return f"{simulated}{what} of {self.pipeline}"

    def subtitle(self, *more: str) -> list[str]:
        """Which run this is and how it was recorded, and what the chart adds."""
        tag = f" ({self.tag})" if self.tag else ""
        first = f"run {self.run_id}{tag}, {self.started} UTC, backend {self.backend}, {', '.join(self.targets.values())}"
        return [first if len(first) < 130 else first[:129] + "…", *more]


class ChartModule(Protocol):
    """A module of this package that draws one chart."""

    SUMMARY: str
    Options: type[BaseModel]

    @staticmethod
    def collect(query: Query, run_id: int, options: Any) -> Any:
        """The rows. StageError when the run has nothing to draw."""
        ...

    @staticmethod
    def draw(rows: Any, heading: Heading, options: Any, theme: str) -> Any:
        """The Altair chart."""
        ...
