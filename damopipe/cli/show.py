"""`damopipe show RUN`: the regions of one snapshot, of all, or of the newest again and again; in the terminal or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe import units
from damopipe.cli import output
from damopipe.cli.options import StoreOption, parse_pairs, store_path
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from damopipe.charts.protocol import Heading
    from damopipe.outputs.show import Found, Wanted
    from damopipe.store import Store

Range = tuple[str, str]
_WEIGHTS = (0, 1e6, 1)
WATCH_S = 1.0
"""From one look to the next."""


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's number, tag, pipeline, or 'latest'.")] = "latest",
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Since the run began, like 5s; else the last.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every snapshot, one after the other.")] = False,
    from_time: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Every snapshot from then on.")] = None,
    to_time: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Every snapshot until then.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="The newest snapshot again each second, as long as the run goes on.")
    ] = False,
    style: Annotated[
        str,
        typer.Option(
            "--style", "-s", help="table, detailed, boxes, recency, temperature, or one of the last two with -percentiles."
        ),
    ] = "table",
    target: Annotated[int | None, typer.Option("--target", help="One target; else all.")] = None,
    size: Annotated[Range | None, typer.Option("--size", metavar="MIN MAX", help="Only regions so large: 4KiB max.")] = None,
    rate: Annotated[Range | None, typer.Option("--rate", metavar="MIN MAX", help="Only so often accessed: 5% max.")] = None,
    age: Annotated[Range | None, typer.Option("--age", metavar="MIN MAX", help="Only regions so old: 5s max.")] = None,
    address: Annotated[Range | None, typer.Option("--address", metavar="START END", help="Only these addresses.")] = None,
    sort: Annotated[
        str, typer.Option("--sort", help="address, size, rate, age, idle, temperature; -rate is largest first.")
    ] = "address",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="So many regions at most.")] = None,
    weights: Annotated[
        tuple[float, float, float], typer.Option("--weights", metavar="SIZE RATE AGE", help="Of the temperature.")
    ] = _WEIGHTS,
    template: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="TEMPLATE", help="A line a region: '{start:#x} {size}'."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON; of several snapshots a line each.")] = False,
    damo: Annotated[
        str | None,
        typer.Option("--damo-compatible", metavar="REPORT", help="A report with damo's numbers: wss, heatmap …"),
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", "-O", metavar="KEY=VALUE", help="Of --damo-compatible: step=1, time_bins=500.")
    ] = None,
    store: StoreOption = None,
) -> int:
    """Show the regions of a snapshot of a run, or of all: a table, lines, boxes, histograms or percentiles.

    The temperature of a region is size, access rate (%) and age (us) times their weights, negative where it is idle.

    --damo-compatible prints what damo prints with raw numbers, by its rules: wss, nr_regions, heatmap, guide,
    recency-percentiles, temperature-percentiles, recency-sz-hist, temperature-sz-hist. It takes --at, --target, --json and -O.
    """
    if damo is not None or options:
        others = (
            every,
            from_time,
            to_time,
            watch,
            style != "table",
            size,
            rate,
            age,
            address,
            sort != "address",
            limit,
            weights != _WEIGHTS,
            template,
        )
        return _as_damo(damo, run, at, target, options, as_json, store, any(others))
    from damopipe.outputs.chart import heading_of
    from damopipe.outputs.show import every_snapshot, regions_of
    from damopipe.report import show
    from damopipe.report import template as templates
    from damopipe.store import Store

    if style not in show.STYLES:
        raise UsageError(f"--style {style}: unknown; there are {', '.join(show.STYLES)}")
    if template is not None:
        templates.check(template)
    span = [None if text is None else units.parse_time_ns(text) for text in (from_time, to_time)]
    several = every or span != [None, None]
    if (at is not None) + several + watch > 1:
        raise UsageError("--at, --watch, and --all with --from and --to exclude each other")
    opened = Store(store_path(store))
    run_id = opened.resolve_run(run)
    wanted = _wanted(at, target, size, rate, age, address, sort, limit, weights)
    form = ("jsonl" if several or watch else "json") if as_json else ""
    write = partial(_write, heading_of(run_id, opened), style, template, form)
    if watch:
        _watch(opened, run_id, lambda: write(regions_of(opened, run_id, wanted)))
    elif several:
        for found in every_snapshot(opened, run_id, wanted, *span):
            write(found)
            if not as_json and template is None:
                output.data("")
    else:
        write(regions_of(opened, run_id, wanted))
    return 0


def _write(heading: Heading, style: str, template: str | None, form: str, found: Found) -> None:
    """One snapshot: as JSON on several lines or on one, by a template, or in a style."""
    from damopipe.report import show
    from damopipe.report import template as templates
    from damopipe.report.terminal import as_this_screen_can, this_screen

    snapshot = show.Snapshot(found[0], heading, found[1])
    if form:
        output.data(json.dumps(list(snapshot.regions()), indent=2 if form == "json" else None, default=str))
    elif template is not None:
        for line in templates.lines(template, snapshot.regions()):
            output.data(line)
    else:
        screen = this_screen()
        output.data(as_this_screen_can("\n".join(show.draw(snapshot, style, screen)), screen))


def _watch(store: Store, run_id: int, show: Callable[[], None]) -> None:
    """Shows a run that goes on again and again, on a terminal always at its top; the store is free in between."""
    while True:
        goes_on = store.is_running(run_id)
        output.clear()
        show()
        if not goes_on:
            return
        time.sleep(WATCH_S)


def _as_damo(
    name: str | None, run: str, at: str | None, target: int | None, options: list[str] | None, as_json: bool,
    store: Path | None, has_others: bool,
) -> int:  # fmt: skip
    if name is None:
        raise UsageError("-O goes with --damo-compatible")
    if has_others:
        raise UsageError("--damo-compatible takes --at, --target, --json and -O; the other options are of damopipe's own views")
    from damopipe.outputs.damo import report
    from damopipe.store import Store

    given = parse_pairs(options, "-O")
    opened = Store(store_path(store))
    found = report(opened, opened.resolve_run(run), name, given, target, at and _time(at))
    if as_json:
        output.data(json.dumps(found.rows, indent=2, default=str))
    else:
        output.data("\n".join(found.lines))
    if found.note:
        output.note(found.note)
    return 0


def _wanted(
    at: str | None, target: int | None, size: Range | None, rate: Range | None, age: Range | None, address: Range | None,
    sort: str, limit: int | None, weights: tuple[float, float, float],
) -> Wanted:  # fmt: skip
    from damopipe.outputs.show import Wanted

    bounds: dict[str, tuple[float, float]] = {}
    for name, given, parse, per in (
        ("size_bytes", size, units.parse_bytes, 1),
        ("access_rate", rate, units.parse_bp, 10_000),
        ("age_us", age, units.parse_time_us, 1),
    ):
        if given is not None:
            low, high = map(parse, given)
            bounds[name] = (low / per, float("inf") if high == units.U64_MAX else high / per)
    low_addr, high_addr = (None, None) if address is None else map(_address, address)
    return Wanted(at and _time(at), target, low_addr, high_addr, bounds, sort, limit, weights)


def _time(text: str) -> str:
    """What the analysis takes: seconds, or 'latest'."""
    return text if text == "latest" else str(units.parse_time_ns(text) / 1e9)


def _address(text: str) -> int:
    try:
        return int(text, 0) if text[:2].lower() == "0x" else units.parse_bytes(text)
    except ValueError:
        raise UsageError(f"{text!r} is no address; write it like 0x7f0000000000 or 4GiB") from None
