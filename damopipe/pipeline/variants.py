"""Schemes with lists of values, and the schemes that come of them: one for each combination.

A list stands in the place of a value: `age = [["5s", "30s"], "max"]`, `quota = { size = ["64MiB", "1GiB"] }`. Every
combination is a scheme as in any pipeline, checked by the same model. Pure but for `load_variants`, which reads the file.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli

from damopipe.damon.actions import ACTIONS
from damopipe.damon.scheme import Scheme
from damopipe.errors import PipelineError, Problem, UsageError
from damopipe.pipeline.lines import Lines
from damopipe.pipeline.params import substitute
from damopipe.pipeline.plan_scheme import planned_scheme
from damopipe.pipeline.semantics_scheme import scheme_problems
from damopipe.pipeline.shape import validate
from damopipe.pipeline.toml import parse_toml, read_file

MOST = 500
"""Combinations in all: what people can still read."""
AGES = ("1s", "2s", "5s", "10s", "20s", "30s", "1m", "2m", "5m", "10m", "30m", "1h")
"""What is tried where nobody says what."""
_PLACES: tuple[tuple[str | int, ...], ...] = (
    *(("pattern", field, bound) for field in ("size", "access", "age") for bound in (0, 1)),
    ("quota", "size"),
    ("quota", "interval"),
)
Table = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One scheme to try: as DAMON has it, as it is written in a file, and which of the schemes of the file it is of."""

    scheme: Scheme
    table: Mapping[str, Any]
    number: int
    differs: tuple[tuple[str, str], ...] = ()
    """The parameters that were lists, each with its value here: ("age", "5s")."""

    @property
    def label(self) -> str:
        """What tells it from the others."""
        return ", ".join(f"{name} {value}" for name, value in self.differs) or self.scheme.name


def default_variants() -> list[Variant]:
    """Reclaim of what is idle, by the ages that people ask about."""
    pattern = {"size": ["4KiB", "max"], "access": ["0%", "0%"], "age": [list(AGES), "max"]}
    return variants_of([{"name": "page-out-idle", "action": "pageout", "pattern": pattern}], "ages")


def load_variants(path: Path, sets: Mapping[str, str]) -> list[Variant]:
    """The schemes of a pipeline file, or of one that has nothing but them. UsageError, PipelineError with every problem."""
    text, tree = parse_toml(path, read_file(path))
    return variants_in(str(path), text, tree, sets)


def variants_of_text(file: str, text: str) -> list[Variant]:
    """The same of a text that is known to be TOML."""
    return variants_in(file, text, tomli.loads(text), {})


def variants_in(file: str, text: str, tree: Table, sets: Mapping[str, str]) -> list[Variant]:
    """The schemes of a tree, at the top level or in contexts."""
    lines = Lines(text)
    params = substitute(tree, sets)
    if params.problems:
        raise PipelineError([Problem(file, key, message, lines.of(key)) for key, message in params.problems])
    keyed = list(_schemes(tree))
    if not keyed:
        raise UsageError(f"{file}: has no [[scheme]] to try; add one, or name none for the usual ages")
    return _checked(file, keyed, lines)


def variants_of(schemes: list[Table], file: str) -> list[Variant]:
    """Of tables that are in no file."""
    return _checked(file, [(f"scheme[{number}]", table) for number, table in enumerate(schemes)], Lines(""))


def inline(text: str) -> Table:
    """One scheme from the command line: the keys of a [[scheme]] table with commas between them. UsageError."""
    try:
        return tomli.loads(f"scheme = {{{text}}}")["scheme"]  # type: ignore[no-any-return]
    except (tomli.TOMLDecodeError, RecursionError):
        example = """action="pageout", pattern={access=["0%","0%"], age=[["5s","30s"],"max"]}"""
        raise UsageError(f"--scheme {text}: is not TOML; write it like --scheme '{example}'") from None


def with_ages(variants: list[Variant], ages: list[str]) -> list[Variant]:
    """Every scheme with these minimum ages instead of its own. UsageError."""
    tables: dict[int, Table] = {}
    for variant in variants:
        table = tables.setdefault(variant.number, copy.deepcopy(dict(variant.table)))
        pattern = table.setdefault("pattern", {})
        pattern["age"] = [ages, pattern.get("age", ["0s", "max"])[1]]
    return variants_of(list(tables.values()), "--age")


def _schemes(tree: Table) -> Iterator[tuple[str, Any]]:
    contexts = tree.get("context", [])
    places = [("", tree)]
    if isinstance(contexts, list):
        places += [(f"context[{number}].", one) for number, one in enumerate(contexts) if isinstance(one, dict)]
    for prefix, place in places:
        found = place.get("scheme", [])
        yield from ((f"{prefix}scheme[{n}]", one) for n, one in enumerate(found if isinstance(found, list) else [found]))


def _checked(file: str, keyed: list[tuple[str, Any]], lines: Lines) -> list[Variant]:
    found: list[Variant] = []
    problems: dict[tuple[str, str], Problem] = {}
    for number, (key, table) in enumerate(keyed):
        for made, differs in _combinations(file, key, table):
            try:
                found.append(replace(_variant(key, made, number), differs=differs))
            except PipelineError as error:
                placed = (Problem(file, one.key, one.message, lines.of(one.key)) for one in error.problems)
                problems |= {(one.key, one.message): one for one in placed}
    if problems:
        raise PipelineError(list(problems.values()))
    return found


def _combinations(file: str, key: str, table: Any) -> Iterator[tuple[Any, tuple[tuple[str, str], ...]]]:
    """Each table without lists, and what was chosen for it."""
    lists = [(place, values) for place in _PLACES if isinstance(values := _at(table, place), list) and values]
    count = math.prod(len(values) for _, values in lists)
    if count > MOST:
        raise UsageError(f"{file}: {key}: {count:,} combinations are too many to compare; at most {MOST}")
    for chosen in itertools.product(*(values for _, values in lists)):
        made = copy.deepcopy(table)
        for (place, _), value in zip(lists, chosen, strict=True):
            _at(made, place[:-1])[place[-1]] = value
        differs = ((_name(place), str(value)) for (place, _), value in zip(lists, chosen, strict=True))
        yield made, tuple(differs)


def _at(table: Any, place: tuple[str | int, ...]) -> Any:
    for part in place:
        has = (
            part in table if isinstance(table, dict) else isinstance(table, list) and isinstance(part, int) and part < len(table)
        )
        if not has:
            return None
        table = table[part]
    return table


def _name(place: tuple[str | int, ...]) -> str:
    if place[0] == "quota":
        return "quota" if place[1] == "size" else "quota interval"
    return f"{place[1]} up to" if place[2] == 1 else str(place[1])


def _variant(key: str, table: Any, number: int) -> Variant:
    shape = validate({"version": 1, "name": "whatif", "scheme": [table]})
    wrong = [(one.replace("scheme[0]", key, 1), message) for one, message in shape.faults]
    if wrong or shape.pipeline is None:
        raise PipelineError([Problem("", *one) for one in wrong])
    scheme = shape.pipeline.scheme[0]
    operations = min(ACTIONS[scheme.action].operations)  # what the run watched says nothing of where it is to run
    wrong = list(scheme_problems(key, scheme, operations, 2**31))
    if wrong:
        raise PipelineError([Problem("", *one) for one in wrong])
    return Variant(planned_scheme(scheme, number), table, number)
