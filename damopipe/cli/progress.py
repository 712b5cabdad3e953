"""A run's progress on stderr: one live line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from damopipe import units
from damopipe.cli import output

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan
    from damopipe.runner.progress import Progress
    from damopipe.runner.tally import Tally

REDRAW_S = 0.2
PLAIN_S = 10.0


def progress_for(quiet: bool) -> Progress:
    """A live line where stderr is a terminal, else plain lines; `quiet` leaves only notes."""
    if quiet:
        return _Lines(every_s=float("inf"))
    return _Live() if sys.stderr.isatty() else _Lines(every_s=PLAIN_S)


def describe(tally: Tally) -> str:
    """Elapsed of total, snapshots, regions, working set, events lost: one line; of a module, how often it told something."""
    elapsed = f"{tally.elapsed_s:.0f} s"
    if tally.duration_us is not None:
        elapsed += f" of {units.approx_time(tally.duration_us / 1e6)}"
    if tally.module:
        return f"{elapsed}, {samples(tally)}"
    parts = [
        elapsed,
        f"{tally.snapshots:,} snapshots",
        f"{tally.regions:,} regions",
        f"working set {units.approx_bytes(tally.working_set_bytes)}",
    ]
    if tally.lost_events is not None:
        parts.append(f"{tally.lost_events:,} events lost")
    return ", ".join(parts)


def samples(tally: Tally) -> str:
    """ "60 samples of DAMON_RECLAIM"."""
    return f"{tally.samples:,} sample{'s' if tally.samples != 1 else ''} of {tally.module}"


class _Lines:
    """Plain lines: what is said, and the state every `every_s` seconds."""

    def __init__(self, every_s: float) -> None:
        self.notes: list[str] = []
        self._every_s = every_s
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        self.notes.append(text)
        output.note(text)

    def started(self, plan: Plan, run_id: int) -> None:
        if self._every_s != float("inf"):
            output.say(headline(plan, run_id))

    def update(self, tally: Tally) -> None:
        if time.monotonic() - self._last >= self._every_s:
            self._last = time.monotonic()
            output.say(describe(tally))

    def recorded(self) -> None: ...


class _Live:
    """One line that is redrawn; notes are printed above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.status import Status

        self.notes: list[str] = []
        self._console = Console(stderr=True, highlight=False)
        self._status = Status("starting…", console=self._console)
        self._last = 0.0

    def say(self, text: str) -> None:
        self.notes.append(text)
        self._console.print(f"damopipe: note: {text}", markup=False, soft_wrap=True)

    def started(self, plan: Plan, run_id: int) -> None:
        self._console.print(headline(plan, run_id), markup=False, soft_wrap=True)
        self._status.start()

    def update(self, tally: Tally) -> None:
        if time.monotonic() - self._last >= REDRAW_S:
            self._last = time.monotonic()
            self._status.update(describe(tally))

    def recorded(self) -> None:
        self._status.stop()


def headline(plan: Plan, run_id: int) -> str:
    """What begins: "run 3: quickstart, backend procfs (DAMON is not there: …)"."""
    reason = f" ({plan.backend_reason})" if plan.backend_reason else ""
    return f"run {run_id}: {plan.name}, backend {plan.backend}{reason}"
