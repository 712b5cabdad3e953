"""The SQL library: one file, one public view or macro of the same name (or both), every column commented.

What DAMON said is stored; what it means is derived here. This room knows no database: it hands out texts in the order
in which they can be installed. `-- requires: a, b` in a file names the analyses it reads.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import NamedTuple

_REQUIRES = re.compile(r"^-- requires: (.*)$", re.MULTILINE)


class Analysis(NamedTuple):
    """One file: `name` is the view's or macro's name, `requires` the analyses it reads."""

    name: str
    sql: str
    requires: tuple[str, ...]

    @property
    def temporary_sql(self) -> str:
        """The same as TEMP objects: they hide stored ones and can be made in a file opened read-only."""
        return re.sub(r"^CREATE OR REPLACE (VIEW|MACRO) ", r"CREATE OR REPLACE TEMP \1 ", self.sql, flags=re.MULTILINE)


@cache
def analyses() -> tuple[Analysis, ...]:
    """Every analysis, each after those it requires."""
    found = {}
    for file in files("damopipe.analyses").iterdir():
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            found[name] = _parse(name, file.read_text("utf-8"))
    order = TopologicalSorter({name: analysis.requires for name, analysis in sorted(found.items())})
    return tuple(found[name] for name in order.static_order())


def named_in(text: str) -> tuple[Analysis, ...]:
    """The analyses that an SQL text names, each after those it requires, which are there too."""
    words = set(re.findall(r"\w+", text.lower()))
    wanted: set[str] = set()
    for analysis in reversed(analyses()):
        if analysis.name.lower() in words | wanted:
            wanted |= {analysis.name, *analysis.requires}
    return tuple(analysis for analysis in analyses() if analysis.name in wanted)


def _parse(name: str, sql: str) -> Analysis:
    match = _REQUIRES.search(sql)
    if match is None:
        raise ValueError(f"analyses/{name}.sql has no '-- requires:' line")
    required = tuple(part.strip() for part in match[1].split(",") if part.strip() != "nothing")
    return Analysis(name, sql, required)


@cache
def fingerprint() -> str:
    """Changes whenever any analysis does: a store that has it needs no installation."""
    return hashlib.sha256("\0".join(analysis.sql for analysis in analyses()).encode()).hexdigest()
