"""Rolling up: what charts need of a long run, summed beforehand.

Invariant: a snapshot is in every table of the rollup or in none (one transaction), and what is not in them is read as it was
recorded. The tables are documented in schema/ (0004_rollup.sql, 0005_rollup_idle.sql, 0006_rollup_address.sql), the steps are
the files of rollup/.
"""

from __future__ import annotations

from importlib.resources import files

from damopipe.store.engine import Connection

WIDTHS_S = (1, 10, 60)
PART = 10_000_000
"""Regions that are taken in at once: what memory and the patience of other writers bear."""


def roll_up_part(con: Connection, run_id: int) -> int:
    """Takes in the first of a run's snapshots that are not rolled up, of about PART regions; returns how many."""
    con.execute("BEGIN")
    _step(con, "fresh", run=run_id, at_most=PART)
    _step(con, "levels", run=run_id)
    _step(con, "areas", run=run_id)
    _step(con, "heat", run=run_id)
    for width_s in WIDTHS_S:
        _step(con, "level_rows", run=run_id, width=width_s)
    for step in ("idle", "idle_parts", "addresses", "snapshots"):
        _step(con, step, run=run_id)
    taken = int(con.execute("SELECT count(*) FROM rollup_fresh").fetchall()[0][0])
    con.execute("DROP TABLE rollup_edge")
    con.execute("DROP TABLE rollup_fresh")
    con.execute("COMMIT")
    return taken


def _step(con: Connection, name: str, **parameters: int) -> None:
    con.execute(files("damopipe.store").joinpath("rollup", f"{name}.sql").read_text("utf-8"), parameters)
