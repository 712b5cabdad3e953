"""What a chart module is, and what every chart is told about its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import numpy as np
from pydantic import BeforeValidator

from damopipe import units
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from damopipe.records import Column

Query = Callable[[str, Mapping[str, object]], dict[str, "Column"]]
"""Runs SQL with named parameters; gives columns."""

_RUN = (
    "SELECT pipeline, backend, tag, strftime(started_at::TIMESTAMP, '%Y-%m-%d %H:%M:%S') AS started, "
    "(SELECT map_from_entries(list((target_id, name) ORDER BY target_id)) FROM target WHERE run_id = $run) AS targets "
    "FROM run WHERE run_id = $run"
)


def _ns(value: Any) -> int:
    try:
        return units.parse_time_ns(str(value))
    except UsageError as error:
        raise ValueError(str(error)) from None


def _address(value: Any) -> int:
    try:
        address = int(str(value), 0)
    except ValueError:
        address = -1
    if not 0 <= address <= units.U64_MAX:
        raise ValueError("is not an address; write it like '0x7f0000000000'")
    return address


def _rate(value: Any) -> float:
    try:
        rate = units.parse_bp(str(value)) / 10_000
    except UsageError as error:
        raise ValueError(str(error)) from None
    if not 0 < rate <= 1:
        raise ValueError("is no rate; write one above 0% and up to 100%")
    return rate


def _run_ids(value: Any) -> tuple[int, ...]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    try:
        return tuple(int(str(one).strip()) for one in given)
    except ValueError:
        raise ValueError("are no numbers of runs; write them like '2,3'") from None


Seconds = Annotated[int, BeforeValidator(_ns)]
"""An option: a time like "5s", in nanoseconds."""
Address = Annotated[int, BeforeValidator(_address)]
"""An option: an address like "0x7f0000000000"."""

Rate = Annotated[float, BeforeValidator(_rate)]
"""An option: a share of the samples like "20%", 0 to 1."""
RunIds = Annotated[tuple[int, ...], BeforeValidator(_run_ids)]
"""An option: numbers of runs, like "2,3"."""


@dataclass(frozen=True)
class Heading:
    """The run that a chart is about."""

    pipeline: str
    run_id: int
    backend: str
    started: str
    targets: Mapping[int, str]
    tag: str | None = None

    @property
    def _simulated(self) -> str:
        return "SIMULATED: " if self.backend == "simulate" else ""

    @property
    def _run(self) -> str:
        return f"run {self.run_id}" + (f" ({self.tag})" if self.tag else "")

    def title(self, what: str) -> str:
        """ "Accesses of quickstart"; simulated data says so in every title."""
        return f"{self._simulated}{what} of {self.pipeline}"

    def of(self, target: int) -> Heading:
        """The heading of a chart that shows one target; says which one where there are several."""
        if len(self.targets) == 1:
            return self
        name = self.targets.get(target, "unnamed")
        return replace(self, targets={target: f"{name} (target {target}, one of {len(self.targets)})"})

    @property
    def column(self) -> str:
        """What stands above one of several runs in a picture: which it is, and where it comes from."""
        return f"{self._simulated}{self._run}: {self.pipeline}, backend {self.backend}, {', '.join(self.targets.values())}"

    def among(self, others: Sequence[Heading], what: str) -> str:
        """The title of a chart of several runs: of pipelines that are named once, and simulated if one of them is."""
        pipelines = ", ".join(dict.fromkeys(one.pipeline for one in (self, *others)))
        simulated = any(one.backend == "simulate" for one in (self, *others))
        return replace(self, pipeline=pipelines, backend="simulate" if simulated else self.backend).title(what)

    def name(self, target: int) -> str:
        """A target's name, unlike that of any other: two lines of one name would be drawn as one."""
        name = self.targets.get(target)
        if name is None:
            return f"target {target}"
        return name if list(self.targets.values()).count(name) == 1 else f"{name} (target {target})"

    def subtitle(self, *more: str) -> list[str]:
        """Which run this is and how it was recorded, and what the chart adds."""
        first = f"{self._run}, {self.started} UTC, backend {self.backend}, {', '.join(self.targets.values())}"
        return [first if len(first) < 130 else first[:129] + "…", *more]


def asked_heading(query: Query, run_id: int) -> Heading:
    """The heading of a run that is there."""
    run = {name: _given(column[0]) for name, column in query(_RUN, {"run": run_id}).items()}
    names = {key: " ".join(name.split()) for key, name in dict(run["targets"] or {}).items()}  # a command may have lines
    return Heading(run["pipeline"], run_id, run["backend"], run["started"], names, run["tag"])


def _given(value: Any) -> Any:
    return None if np.ma.is_masked(value) else value


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
