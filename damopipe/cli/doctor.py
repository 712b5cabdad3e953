"""`damopipe doctor [FILE]`: what this machine can do, what stands in the way, and how to fix it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, parse_sets

if TYPE_CHECKING:
    from damopipe.doctor import Diagnosis
    from damopipe.doctor.findings import Finding
    from damopipe.kernel.features import Features

Row = tuple[str, str, str]
"""A mark, what it is about, and what was found with what to do about it in further lines."""


def command(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A pipeline: what it needs that is missing here.")] = None,
    backend: Annotated[str | None, typer.Option("--backend", "-b", help="Instead of the file's.")] = None,
    sets: SetOption = None,
    show_all: Annotated[bool, typer.Option("--all", "-a", help="Also what is in order: every feature, every parameter.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> int:
    """Say what this machine can do, what stands in the way, and how to fix it.

    Reads only, works without root, and names what it could not see. Exit code 3 when something that FILE needs is
    missing; without FILE when no backend works here.
    """
    from damopipe.doctor import examine
    from damopipe.kernel.machine import Machine
    from damopipe.outputs.surroundings import load_pipeline

    loaded = load_pipeline(file, parse_sets(sets)) if file else None
    diagnosis = examine(Machine.here(), loaded, backend)
    if as_json:
        output.data(json.dumps(diagnosis.as_json(), indent=2))
    else:
        _show(diagnosis, show_all)
    return diagnosis.exit_code


def _show(diagnosis: Diagnosis, show_all: bool) -> None:
    if diagnosis.pipeline:
        output.findings(_headline(diagnosis), _rows(diagnosis.pipeline.findings))
        if not show_all:
            return
    output.findings("What can record here", [*_rows(diagnosis.backends), _auto(diagnosis)])
    output.findings(f"This machine: Linux {diagnosis.features.release}", _rows(diagnosis.machine))
    output.findings(_count(diagnosis.features), list(_features(diagnosis.features, show_all)))
    if show_all:
        for name, parameters in diagnosis.modules.items():
            shown = [("", key, _shortened(value)) for key, value in parameters.items()]
            output.findings(f"Module {name}", shown)


def _headline(diagnosis: Diagnosis) -> str:
    verdict = diagnosis.pipeline
    assert verdict is not None
    if diagnosis.exit_code:
        return f"{verdict.file}: cannot run here as it is"
    reason = f" ({verdict.reason})" if verdict.reason else ""
    return f"{verdict.file}: can run here, with the {verdict.backend} backend{reason}"


def _rows(findings: Iterable[Finding]) -> list[Row]:
    return [(one.state, one.about, f"{one.text}\n→ {one.advice}" if one.advice else one.text) for one in findings]


def _auto(diagnosis: Diagnosis) -> Row:
    if diagnosis.auto:
        return "", "auto", f"takes {diagnosis.auto}"
    return "missing", "auto", "takes none: nothing can record here"


def _count(features: Features) -> str:
    from damopipe.kernel.features import FEATURES

    absent = len(FEATURES) - len(features)
    if not features.names:
        return "Features of DAMON: none, without DAMON"
    return f"Features of DAMON: {len(features)} of {len(FEATURES)}" + (
        "; missing, with the Linux that brought it:" if absent else ""
    )


def _features(features: Features, show_all: bool) -> Iterable[Row]:
    from damopipe.kernel.features import FEATURES

    for name, row in FEATURES.items():
        if name in features and show_all:
            by = "by the kernel's version" if features.how[name] == "version" else f"seen: {features.how[name]}"
            yield "yes", name, f"{row.since:5}  {row.what} ({by})"
        elif name not in features and (features.names or show_all):
            yield "no", name, f"{row.since:5}  {row.what}"


def _shortened(value: str | None) -> str:
    if value is None:
        return "not visible without root"
    return value if len(value) <= 60 else value[:57] + "…"
