"""Options that several commands share: the same name, the same help, the same meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from damopipe.errors import UsageError

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Give a value to a name of [params]; repeatable."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The store; else $DAMOPIPE_STORE, else ./damopipe.duckdb."),
]
RunOption = Annotated[str, typer.Option("--run", metavar="RUN", help="A run's number, tag, pipeline, or 'latest'.")]
TakeoverOption = Annotated[
    bool,
    typer.Option("--takeover", help="Stop DAMON modules for the run and start them again; set aside kdamonds that are off."),
]


def store_path(given: Path | None) -> Path:
    """The store that a command works on."""
    return given or Path(os.environ.get("DAMOPIPE_STORE") or "damopipe.duckdb")


def parse_sets(sets: list[str] | None) -> dict[str, str]:
    """`["a=1"]` as `{"a": "1"}`; UsageError for anything without a name and an equals sign."""
    return parse_pairs(sets, "--set", "name")


def parse_pairs(texts: list[str] | None, flag: str, what: str = "key") -> dict[str, str]:
    """The values that a repeatable flag gives, by their names. UsageError for one without a name and an equals sign."""
    pairs = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not (equals and name.strip()):
            raise UsageError(f"{flag} {text}: write it as {flag} {what}=value")
        pairs[name.strip()] = value
    return pairs
