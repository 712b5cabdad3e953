"""`damopipe quality FILE`: how far from the truth monitoring settings record, and what they cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.lists import counts, parsed, times
from damopipe.cli.options import SetOption, StoreOption, parse_sets, store_path
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.charts.quality_rows import Row
    from damopipe.outputs.quality import Result, Sweep

_INTERRUPTED = 130


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline, a TOML file.")],
    sets: SetOption = None,
    sample: Annotated[str | None, typer.Option("--sample", metavar="LIST", help="Sampling intervals: 5ms,10ms.")] = None,
    aggregation: Annotated[
        str | None, typer.Option("--aggregation", metavar="LIST", help="Aggregation intervals; else 20 samples.")
    ] = None,
    min_regions: Annotated[str | None, typer.Option("--min-regions", metavar="LIST", help="Least regions: 10,100.")] = None,
    max_regions: Annotated[str | None, typer.Option("--max-regions", metavar="LIST", help="Most regions: 100,1000.")] = None,
    duration: Annotated[
        str | None,
        typer.Option("--duration", metavar="TIME", help="How long to simulate; else as the file records, 30s at most."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Instead of the file's.")] = None,
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="PERCENT", help="How far from the best error is good enough.")
    ] = "5%",
    context: Annotated[int, typer.Option("--context", min=0, help="Which of several contexts, from 0.")] = 0,
    store: StoreOption = None,
    file_out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A chart (.png .svg .pdf .html .json), or .csv.")
    ] = None,
    theme: Annotated[str, typer.Option("--theme", help="light or dark, for files.")] = "light",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> int:
    """Say how good a pipeline's monitoring is on modelled memory, what it costs, and what to take instead.

    Simulates the file's monitoring settings and others (those of the lists, else some around its own) on the memory that the
    file describes, and compares what is recorded with the truth: working set, heat, ages.
    """
    from damopipe import units
    from damopipe.cli.plan import planned
    from damopipe.outputs.quality import Sweep, Wanted, check_file

    lasts_us = None if duration is None else parsed("--duration", duration, units.parse_time_us)
    if lasts_us is not None and not 0 < lasts_us < 10**12:
        raise UsageError(f"--duration {duration}: write how long to simulate, more than 0 and less than 11 days, like '30s'")
    if theme not in ("light", "dark"):
        raise UsageError(f"--theme {theme}: unknown; there are light and dark")
    if file_out is not None:
        check_file(file_out)
    wanted = Wanted(
        context, times("--sample", sample), times("--aggregation", aggregation), counts("--min-regions", min_regions),
        counts("--max-regions", max_regions), lasts_us, seed,
        parsed("--tolerance", tolerance, units.parse_bp) / 10_000,
    )  # fmt: skip
    sweep = Sweep(planned(file, "simulate", parse_sets(sets)), store_path(store), wanted)
    _say(sweep)
    result, is_whole = _tried(sweep)
    if file_out is not None:
        result.write(file_out, theme)
        output.say(f"wrote {file_out}")
    if as_json:
        output.data(json.dumps(result.as_json(), indent=2))
    else:
        _show(result)
    return 0 if is_whole else _INTERRUPTED


def _say(sweep: Sweep) -> None:
    from damopipe import units

    if sweep.lasts_us < (sweep.wanted.lasts_us or 0):
        output.note(f"the workload ends after {units.format_time_us(sweep.lasts_us)}, and so does the simulation")
    if sweep.nr_left_out:
        why = "less than 5 of their aggregations go into the time; --duration makes it longer"
        output.note(f"{sweep.nr_left_out} settings are left out: {why}")
    others = len(sweep.plan.contexts) - 1
    if others:
        output.note(f"context {sweep.wanted.context}; --context names another of {others + 1}")


def _tried(sweep: Sweep) -> tuple[Result, bool]:
    """What was tried, and whether it is everything: Ctrl-C keeps what there is by then."""
    from damopipe.outputs.quality import Result

    done = []
    with _progress(len(sweep.settings)) as tell:
        try:
            for one in sweep.tried():
                done.append(one)
                tell()
        except KeyboardInterrupt:
            if not done:
                raise
    if len(done) < len(sweep.settings):
        output.note(f"interrupted: {len(done)} of {len(sweep.settings)} settings were tried")
    return Result(sweep, done), len(done) == len(sweep.settings)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("simulating settings"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _show(result: Result) -> None:
    from damopipe.charts.quality_rows import distinct
    from damopipe.report.terminal import as_this_screen_can, this_screen
    from damopipe.report.terminal_quality import SIGNS, draw

    rows, screen = distinct(result.rows()), this_screen()
    output.data(f"SIMULATED: monitoring quality of {result.sweep.plan.name}, {result.about()}; errors in % of the truth\n")
    output.table(_COLUMNS, [_cells(row) for row in rows])
    if len(rows) < len(result.tried):
        output.data("settings that differ only in a limit of regions that was not reached are one row")
    output.data(f"{SIGNS}\n")
    output.data(as_this_screen_can("\n".join(draw(rows, screen)), screen))
    words = "\n".join([result.recommendation(), *result.further()])
    output.data(f"\n{words}\n\n{result.monitoring()}")


_COLUMNS = ("", "intervals", "regions", *(f"{name:>5}" for name in ("wss", "p95", "heat", "ages", "error")), "samples/s")


def _cells(row: Row) -> list[str]:
    from damopipe.charts.quality_rows import label
    from damopipe.report.terminal_quality import sign

    intervals, _, regions = label(row).partition(", ")
    names = ("working_set_error", "working_set_error_p95", "heat_error", "age_error", "error")
    percents = ["-".rjust(5) if row[name] is None else f"{row[name]:5.1f}" for name in names]
    return [sign(row), intervals, regions, *percents, f"{row['samples_per_second']:>9,.0f}"]
