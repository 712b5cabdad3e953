"""`damopipe runs`: what is in the store: list, show, delete, tag, roll up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from damopipe.cli import output
from damopipe.cli.options import StoreOption, store_path

if TYPE_CHECKING:
    from damopipe.store import Store

app = typer.Typer(help="List, show, delete, tag and roll up the runs in the store.", rich_markup_mode=None)
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's number, tag, pipeline, or 'latest'.")]

_ROLLED = """SELECT
  (SELECT count(*) FROM _rollup_heat WHERE run_id = $run),
  (SELECT count(*) FROM _region WHERE run_id = $run)"""


@app.callback(invoke_without_command=True)
def runs(context: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> int:
    """List, show, delete, tag and roll up the runs in the store; alone it lists them."""
    context.obj = store
    return list_runs(context, store, as_json) if context.invoked_subcommand is None else 0


@app.command("list")
def list_runs(context: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> int:
    """List every run, oldest first."""
    rows = _open(context, store).runs()
    if as_json:
        output.data(json.dumps(rows, indent=2, default=str))
    elif not rows:
        output.say("there are no runs yet; record one with damopipe run")
    else:
        shown = [{key: value for key, value in row.items() if key != "uid"} for row in rows]
        output.table(list(shown[0]), [list(row.values()) for row in shown])
    return 0


@app.command("show")
def show(context: typer.Context, run: RunArgument = "latest", store: StoreOption = None, as_json: JsonOption = False) -> int:
    """Show everything that is known of a run: where it comes from, what it watched, what was made of it."""
    opened = _open(context, store)
    run_id = opened.resolve_run(run)
    tables = {name: _rows(opened, name, run_id) for name in ("run", "context", "target", "scheme", "output", "check_result")}
    if as_json:
        output.data(json.dumps(tables, indent=2, default=str))
        return 0
    for name, rows in tables.items():
        for row in rows:
            output.data(f"{name}\n" + "\n".join(_facts(row)))
    return 0


def _facts(row: dict[str, Any]) -> list[str]:
    hidden = ("run_id", "plan", "text", "definition")
    return [f"  {key:18} {value}" for key, value in row.items() if value is not None and key not in hidden]


def _rows(store: Store, table: str, run_id: int) -> list[dict[str, Any]]:
    result = store.query(f"FROM {table}", run=run_id)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


@app.command("delete")
def delete(
    context: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Numbers, tags, pipelines, or 'latest'.")],
    store: StoreOption = None,
) -> int:
    """Delete runs with all their records; the store uses their space again."""
    opened = _open(context, store)
    run_ids = [opened.resolve_run(run) for run in runs]
    opened.delete_runs(run_ids)
    output.say(f"deleted run {', '.join(map(str, run_ids))}")
    return 0


@app.command("tag")
def tag(
    context: typer.Context,
    run: RunArgument,
    name: Annotated[str | None, typer.Argument(metavar="[TAG]", help="Its new name; none takes it away.")] = None,
    store: StoreOption = None,
) -> int:
    """Give a run a name of its own, or take it away."""
    opened = _open(context, store)
    run_id = opened.resolve_run(run)
    opened.tag_run(run_id, name)
    output.say(f"run {run_id} is now {name!r}" if name else f"run {run_id} has no tag any more")
    return 0


@app.command("rollup")
def rollup(context: typer.Context, run: RunArgument = "latest", store: StoreOption = None) -> int:
    """Sum up a long run, so that its charts need not read every region; again, and it takes in what is new."""
    opened = _open(context, store)
    run_id = opened.resolve_run(run)
    taken = opened.roll_up(run_id)
    rows, regions = opened.query(_ROLLED, {"run": run_id}).rows[0]
    new = f"{taken:,} snapshots are rolled up" if taken else "nothing was new"
    output.say(f"run {run_id}: {new}; {rows:,} rows stand for {regions:,} region records")
    return 0


def _open(context: typer.Context, store: Any) -> Store:
    """The store that is named after the subcommand, or before it."""
    from damopipe.store import Store

    return Store(store_path(store or context.obj))
