"""`damopipe workload`: run a known memory access pattern."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import typer

from damopipe.cli import output
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.workload import Workload
    from damopipe.workload.play import Place


def command(
    name: str = typer.Argument(None, help="A built-in shape, or a file in masim's format.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Print where the regions are as one JSON object."),
    seconds: str = typer.Option(None, metavar="TIME", help="Stretch or shrink the phases so that all take this long: 30s, 2m."),
    list_: bool = typer.Option(False, "--list", help="List the built-in shapes."),
) -> None:
    """Run a known access pattern; without NAME, list the built-in shapes."""
    if name is None or list_:
        _list(as_json)
        return
    from damopipe.workload import load

    lasts = None if seconds is None else _lasting(seconds)
    workload = load(name)
    _run(name, workload if lasts is None else workload.lasting(lasts), as_json)


def _lasting(text: str) -> float:
    """Seconds of a time, or of a number without a unit."""
    from damopipe import units
    from damopipe.cli.lists import parsed

    is_number = text.replace(".", "", 1).isdecimal()
    seconds = float(text) if is_number else parsed("--seconds", text, units.parse_time_us) / 1e6
    if not 0 < seconds < 1e6:
        raise UsageError(f"--seconds {text}: write how long the workload takes, more than 0 and less than eleven days")
    return seconds


def _list(as_json: bool) -> None:
    from damopipe.workload import SHAPES

    if as_json:
        output.data(json.dumps({shape.name: shape.does for shape in SHAPES.values()}))
        return
    for shape in SHAPES.values():
        output.data(f"{shape.name:10} {shape.does}")


def _run(name: str, workload: Workload, as_json: bool) -> None:
    from damopipe.kernel import procfs
    from damopipe.workload.play import Player

    player = Player(workload)
    own = procfs.statm(os.getpid())
    resident_bytes = own.rss_bytes if own else None
    (_print_json if as_json else _print_text)(name, workload, player.places, resident_bytes)
    player.play()


def _print_json(name: str, workload: Workload, places: list[Place], resident_bytes: int | None) -> None:
    regions = [
        {
            "name": place.name,
            "start": f"{place.start_addr:#x}",
            "end": f"{place.end_addr:#x}",
            "size_bytes": place.end_addr - place.start_addr,
        }
        for place in places
    ]
    phases = [{"title": phase.title, "duration_ms": phase.duration_ms} for phase in workload.phases]
    everything = {"workload": name, "pid": os.getpid(), "seconds": workload.seconds}
    output.data(json.dumps(everything | {"resident_bytes": resident_bytes, "regions": regions, "phases": phases}))


def _print_text(name: str, workload: Workload, places: list[Place], resident_bytes: int | None) -> None:
    from damopipe import units

    count = len(workload.phases)
    took = units.approx_time(workload.seconds)
    output.data(f"{name}, pid {os.getpid()}: {count} phase{'s' * (count != 1)}, {took} in all")
    width = max(len(place.name) for place in places)
    for place in places:
        size = units.approx_bytes(place.end_addr - place.start_addr)
        output.data(f"  {place.name:{width}}  {place.start_addr:#x}-{place.end_addr:#x}  {size}")
    if resident_bytes is not None:
        output.data(f"beside them the interpreter itself has {units.approx_bytes(resident_bytes)} resident")
