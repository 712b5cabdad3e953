"""Synthetic workloads: a model of memory by a name and a few numbers, "zipf:size=4GiB,alpha=0.9".

Each generator is a function from its parameters to a `Sketch`; its row in `GENERATORS` is its documentation.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from damopipe import units
from damopipe.errors import UsageError
from damopipe.simulator import PAGE
from damopipe.simulator.sketch import Segment, Sketch, Spell, Use, pages

RUN = "run"
"""A recorded run, "run:12": see `of_run`."""
_HOUR_US = 3_600_000_000
_BUCKETS = 48
"""Into so many steps a zipf curve is cut, by the logarithm of the rank."""
_STEPS_A_DAY = 96


@dataclass(frozen=True)
class Parameter:
    """A number of a generator: how it is written, what it is if left out, its bounds."""

    kind: str
    """size, time, share (basis points), number (any), count (whole)"""
    default: str
    low: float
    high: float
    does: str

    def read(self, text: str) -> Any:
        """Its value. Raises UsageError with what is wrong with the text."""
        value = _READ[self.kind](text)
        if not self.low <= value <= self.high:
            low, high = (_SHOWN[self.kind](bound) for bound in (self.low, self.high))
            raise UsageError(f"{text!r} is out of bounds; write {low} to {high}")
        return value


@dataclass(frozen=True)
class Generator:
    """A synthetic workload."""

    does: str
    parameters: Mapping[str, Parameter]
    make: Callable[[Mapping[str, Any], float], Sketch]
    """From its parameters and the touches a microsecond."""


def generated(spec: str, touches_per_ms: int) -> Sketch:
    """The sketch of a text like "zipf" or "zipf:size=1GiB,alpha=0.99". Raises UsageError."""
    name, values = parse(spec)
    return GENERATORS[name].make(values, touches_per_ms / 1000)


def check(spec: str) -> None:
    """Raises UsageError if a text is none of `MODELS` with good parameters."""
    name, _, rest = spec.partition(":")
    if name != RUN:
        generated(spec, 1)
    elif not rest.strip():
        raise UsageError(f"{spec!r} names no run; write run:12, run:latest, or a run's tag or pipeline")


def parse(spec: str) -> tuple[str, dict[str, Any]]:
    """The generator's name and all its parameters. Raises UsageError, one line that says what to do."""
    name, _, rest = spec.partition(":")
    generator = GENERATORS.get(name)
    if generator is None:
        near = difflib.get_close_matches(name, list(GENERATORS), 1)
        raise UsageError(
            f"{name!r} is no generator; " + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(GENERATORS)}")
        )
    values = {key: one.read(one.default) for key, one in generator.parameters.items()}
    for part in rest.split(",") if rest else ():
        key, equals, text = (word.strip() for word in part.partition("="))
        if not (key and equals):
            raise UsageError(f"{part!r} is no parameter of {name}; write {name}:size=1GiB")
        values[key] = _read(name, generator, key, text)
    return name, values


def _read(name: str, generator: Generator, key: str, text: str) -> Any:
    if key not in generator.parameters:
        near = difflib.get_close_matches(key, list(generator.parameters), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(generator.parameters)}"
        raise UsageError(f"{name} has no parameter {key!r}; {hint}")
    try:
        return generator.parameters[key].read(text)
    except UsageError as error:
        raise UsageError(f"{name}, {key}: {error}") from None


def _zipf(values: Mapping[str, Any], per_us: float) -> Sketch:
    size, islands = pages(values["size"] / values["islands"]), values["islands"]
    edges = sorted({round((size // PAGE) ** (k / _BUCKETS)) for k in range(_BUCKETS + 1)} | {0})
    masses = [_mass(low, high, values["alpha"]) for low, high in pairwise(edges)]
    scale = per_us / (sum(masses) * islands)
    uses = tuple(
        Use(0, island * size + low * PAGE, island * size + high * PAGE, mass * scale)
        for island in range(islands)
        for (low, high), mass in zip(pairwise(edges), masses, strict=True)
    )
    return Sketch((Segment("zipf", size * islands),), (Spell(_HOUR_US, uses),))


def _mass(low: int, high: int, alpha: float) -> float:
    """About the sum of rank^-alpha over the ranks after `low`, up to `high`."""
    begin, end = low + 0.5, high + 0.5
    if alpha == 1:
        return math.log(end / begin)
    return float((end ** (1 - alpha) - begin ** (1 - alpha)) / (1 - alpha))


def _scan(values: Mapping[str, Any], per_us: float) -> Sketch:
    size = pages(values["size"])
    hot = min(size - PAGE, pages(size * values["hot"] / 10_000)) if values["hot"] else 0
    swept = Use(0, hot, size, (size - hot) / PAGE / values["period"], is_random=False)
    uses = (Use(0, 0, hot, per_us), swept) if hot else (swept,)
    return Sketch((Segment("scan", size),), (Spell(values["period"], uses),))


def _diurnal(values: Mapping[str, Any], per_us: float) -> Sketch:
    size, low, high = pages(values["size"]), values["low"], values["high"]
    if low > high:
        raise UsageError("diurnal, low: is more than high; write low=10%,high=60%")
    spells = []
    for step in range(_STEPS_A_DAY):
        day = (1 - math.cos(2 * math.pi * (step + 0.5) / _STEPS_A_DAY)) / 2
        hot = pages(size * (low + (high - low) * day) / 10_000)
        spells.append(Spell(max(1, values["period"] // _STEPS_A_DAY), (Use(0, 0, min(size, hot), per_us),)))
    return Sketch((Segment("diurnal", size),), tuple(spells))


def _phases(values: Mapping[str, Any], per_us: float) -> Sketch:
    count = values["areas"]
    size = pages(values["size"] / count)
    spells = tuple(Spell(values["period"], (Use(area, 0, size, per_us),)) for area in range(count))
    return Sketch(tuple(Segment(f"area {area}", size) for area in range(count)), spells)


_READ: dict[str, Callable[[str], Any]] = {
    "size": units.parse_bytes,
    "time": units.parse_time_us,
    "share": units.parse_bp,
    "number": lambda text: _number(text, float),
    "count": lambda text: _number(text, int),
}
_SHOWN: dict[str, Callable[[Any], str]] = {
    "size": units.format_bytes,
    "time": units.format_time_us,
    "share": units.format_bp,
    "number": str,
    "count": str,
}


def _number(text: str, kind: type[float] | type[int]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a {'whole ' if kind is int else ''}number") from None


def _size(default: str) -> Parameter:
    return Parameter("size", default, 1 << 20, 1 << 44, "how much memory")


GENERATORS: dict[str, Generator] = {
    "zipf": Generator(
        "Few pages are touched often, many seldom: page of rank k in proportion to k^-alpha.",
        {
            "size": _size("1GiB"),
            "alpha": Parameter("number", "0.99", 0.1, 4, "how uneven: a cache of keys has about 1"),
            "islands": Parameter("count", "4", 1, 64, "in how many places the hottest pages are, each with its own slope"),
        },
        _zipf,
    ),
    "scan": Generator(
        "All memory is swept from its beginning to its end, again and again, beside a part that is always hot.",
        {
            "size": _size("1GiB"),
            "period": Parameter("time", "10s", 1000, 100 * _HOUR_US, "how long one sweep takes"),
            "hot": Parameter("share", "10%", 0, 10_000, "the part that is touched all the time"),
        },
        _scan,
    ),
    "diurnal": Generator(
        "What is in use grows from night to noon and shrinks again, day by day; it begins at night.",
        {
            "size": _size("4GiB"),
            "low": Parameter("share", "10%", 0, 10_000, "the part in use at night"),
            "high": Parameter("share", "60%", 0, 10_000, "the part in use at noon"),
            "period": Parameter("time", "24h", 1_000_000, 1000 * _HOUR_US, "how long a day is"),
        },
        _diurnal,
    ),
    "phases": Generator(
        "One of several areas is in use, then the next: a change of phase.",
        {
            "size": _size("1GiB"),
            "areas": Parameter("count", "4", 2, 64, "how many"),
            "period": Parameter("time", "10s", 1000, 100 * _HOUR_US, "how long each is in use"),
        },
        _phases,
    ),
}
"""Each synthetic workload by its name."""

MODELS = (*GENERATORS, RUN)
"""What memory can be modelled by, beside known workloads."""
