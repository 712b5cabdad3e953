"""`damopipe whatif RUN [FILE]`: what schemes would have done, told from a run that is in the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, StoreOption, parse_sets, store_path
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.pipeline.variants import Variant


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's number, tag, pipeline, or 'latest'.")] = "latest",
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A file with [[scheme]] tables; else the usual ages.")
    ] = None,
    scheme: Annotated[
        list[str] | None,
        typer.Option("--scheme", metavar="KEYS", help="""A scheme: 'action="pageout", pattern={age=[["5s","1m"],"max"]}'."""),
    ] = None,
    age: Annotated[str | None, typer.Option("--age", metavar="LIST", help="Minimum ages to try instead: 5s,30s,2m.")] = None,
    objective: Annotated[
        str, typer.Option("--objective", metavar="RATE", help="What may come back, of the working set a minute.")
    ] = "0.2%",
    files: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", metavar="FILE", help=".toml .csv .json .md .png .svg .pdf or .html; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    sets: SetOption = None,
    store: StoreOption = None,
) -> int:
    """Tell what schemes would have done in a run: what they select and save, what is touched again, which age is best.

    In FILE and --scheme a list in the place of a value tries each: age = [["5s", "30s"], "max"], quota = { size =
    ["64MiB", "1GiB"] }. Sizes, access rates, ages and quotas can be lists. Without any scheme, memory that is idle is
    paged out by the usual ages.
    """
    variants = _variants(file, scheme, age, parse_sets(sets))
    from damopipe.outputs.chart import heading_of
    from damopipe.outputs.whatif import answer_of, check_ending, objective_of, write
    from damopipe.outputs.whatif import as_json as everything
    from damopipe.outputs.whatif_toml import ready_schemes
    from damopipe.report.terminal import as_this_screen_can, this_screen
    from damopipe.report.whatif import screenful
    from damopipe.store import Store

    percent = objective_of(objective)
    for path in files or []:
        check_ending(path)
    opened = Store(store_path(store))
    run_id = opened.resolve_run(run)
    with _progress() as tell:
        answer = answer_of(opened, run_id, variants, percent, tell)
    if as_json:
        output.data(json.dumps(everything(answer), indent=1))
    else:
        screen = this_screen()
        lines = screenful(answer, heading_of(run_id, opened), screen, ready_schemes(answer))
        output.data(as_this_screen_can("\n".join(lines), screen))
    for path in files or []:
        write(answer, opened, path)
        output.say(f"wrote {path}")
    return 0


def _variants(file: Path | None, schemes: list[str] | None, age: str | None, sets: dict[str, str]) -> list[Variant]:
    from damopipe.pipeline.variants import default_variants, inline, load_variants, variants_of, with_ages

    if file is not None and schemes:
        raise UsageError("give the schemes in a file or with --scheme, not both")
    if sets and file is None:
        raise UsageError("--set gives values to names of a file; name one")
    if file is not None:
        found = load_variants(file, sets)
    elif schemes:
        found = variants_of([inline(text) for text in schemes], "--scheme")
    else:
        found = default_variants()
    if age is None:
        return found
    ages = [text.strip() for text in age.split(",") if text.strip()]
    if not ages:
        raise UsageError("--age: names no age; write a list like --age 5s,30s,2m")
    return with_ages(found, ages)


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """What takes the share that is done: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=1.0)
        yield lambda share: bar.update(task, completed=share)
