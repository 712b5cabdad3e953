"""The formats that a run can be exported in: a table that pipelines, the command and the writers share.

One row a format. What writes it is found in `damopipe.interop.exporting.WRITERS`.
"""

from __future__ import annotations

import difflib
from pathlib import PurePath
from typing import NamedTuple


class Format(NamedTuple):
    """A format: the name's endings (the first is what examples have), and what becomes of a run."""

    endings: tuple[str, ...]
    about: str
    is_folder: bool = False
    """A folder of tables; with `--table` one file."""
    is_text: bool = False
    """It can go to a terminal or a pipe."""
    is_many: bool = False
    """It holds several runs."""


FORMATS: dict[str, Format] = {
    "json": Format(("json",), "a record of damo", is_text=True),
    "json_compressed": Format(("data", "json_compressed"), "a record of damo, as damo packs it"),
    "perf_script": Format(("txt",), "events as perf script prints them", is_text=True),
    "parquet": Format(("parquet",), "every table, for any tool and for damopipe import", is_folder=True, is_many=True),
    "csv": Format(("csv",), "every table, as text", is_folder=True, is_text=True),
    "arrow": Format(("arrow", "feather"), "every table as Arrow IPC, where pyarrow is installed", is_folder=True),
    "perfetto": Format(("pftrace", "perfetto-trace"), "a trace that ui.perfetto.dev opens"),
    "openmetrics": Format(("prom",), "a summary for a node exporter's textfile collector", is_text=True, is_many=True),
}


def named(text: str) -> str | None:
    """The format that a name means: perf-script is perf_script; None if there is none."""
    name = text.strip().lower().replace("-", "_")
    return name if name in FORMATS else None


def unknown(text: str) -> str:
    """What to say of a name that is none."""
    name = text.strip().lower().replace("-", "_")
    near = [one for one in FORMATS if name and one.startswith(name)] or difflib.get_close_matches(name, FORMATS, 1)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(FORMATS)}"


def by_ending(path: PurePath) -> str | None:
    """The format whose ending a file's name has."""
    return next((name for name, form in FORMATS.items() if path.suffix[1:].lower() in form.endings), None)


def example(name: str) -> str:
    """A name for what a run is exported to."""
    return "tables" if FORMATS[name].is_folder else f"run.{FORMATS[name].endings[0]}"


def ending_problem(name: str, path: PurePath) -> str | None:
    """What is wrong with the name of what a whole run is exported to; None if nothing is."""
    form, ending = FORMATS[name], path.suffix.removeprefix(".")
    if form.is_folder:
        meant = by_ending(path)
        is_fine = meant is None or meant == name == "parquet"  # as other tools call a folder of Parquet files, too
        return None if is_fine else f"{name} writes a folder of tables; call it {example(name)!r}"
    if ending.lower() in form.endings:
        return None
    written = f"written as {path.suffix!r}" if ending else "written without an ending"
    dotted = " or ".join(f".{one}" for one in form.endings)
    return f"{name} cannot be {written}; use {dotted}"
