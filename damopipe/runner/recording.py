"""From a session's batches to the store, with the run's row closed on every way out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from damopipe.errors import Interrupted, StageError
from damopipe.runner.tally import Tally

if TYPE_CHECKING:
    from damopipe.backend.protocol import Session
    from damopipe.runner.progress import Progress
    from damopipe.runner.signals import Stopper
    from damopipe.store import Appender, Store

FLUSH_S = 2.0
"""How often records go to the store: a crash costs at most this much."""


@dataclass
class Recorded:
    """How recording ended, and how much there is."""

    tally: Tally
    status: str = "failed"
    end_reason: str = "failed"


def record(run_id: int, session: Session, store: Store, progress: Progress, stopper: Stopper, tally: Tally) -> Recorded:
    """Appends every batch of `session` to run `run_id`, counted in `tally`; StageError if there was none."""
    from damopipe.store import Appender

    recorded = Recorded(tally)
    appender = Appender(store, run_id, flush_s=FLUSH_S, say=progress.say)
    with _closing(run_id, store, appender, recorded, progress):
        _take(run_id, session, store, appender, recorded.tally, progress)
        if recorded.tally.is_empty:
            raise _nothing_recorded(recorded.tally, stopper.signal_number)
        recorded.status = "interrupted" if stopper.signal_number else "complete"
        recorded.end_reason = session.end_reason
    return recorded


def _nothing_recorded(tally: Tally, signal_number: int | None) -> StageError | Interrupted:
    what = f"{tally.module} told anything, which takes some seconds" if tally.module else "its first aggregation was over"
    text = f"nothing was recorded: the run ended before {what}"
    return Interrupted(text, signal_number) if signal_number else StageError(text)


def _take(run_id: int, session: Session, store: Store, appender: Appender, tally: Tally, progress: Progress) -> None:
    known = len(session.targets)
    for batch in session.batches():
        if len(session.targets) > known:  # a process that came while the run went on
            store.add_targets(run_id, session.targets[known:])
            known = len(session.targets)
        appender.add(batch)
        tally.add(batch)
        progress.update(tally)


@contextmanager
def _closing(run_id: int, store: Store, appender: Appender, recorded: Recorded, progress: Progress) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        recorded.end_reason = str(error) or type(error).__name__
        raise
    finally:
        recorded.tally.finish()
        progress.recorded()
        try:
            appender.close()
        finally:
            store.close_run(
                run_id,
                status=recorded.status,
                end_reason=recorded.end_reason,
                ended_at_ns=time.time_ns(),
                lost_events=recorded.tally.lost_events,
                notes=progress.notes,
            )
