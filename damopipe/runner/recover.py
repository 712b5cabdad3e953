"""After a SIGKILL: DAMON is put back, and the run in the store gets what the kernel still had, and an end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from damopipe.backend.recover import Recovery, recover
from damopipe.kernel.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable


def recover_run(say: Callable[[str], None]) -> bool:
    """Does all of it, saying each thing; False when there was nothing to do. Raises MachineError, StoreError."""
    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        say(text)

    found = recover(Machine.here(), tell)
    if found.store is not None and found.run_id is not None:
        _close_run(found, tell)
    return bool(said)


def _close_run(found: Recovery, say: Callable[[str], None]) -> None:
    """The run's row says `running` for ever if nobody closes it."""
    from damopipe.store import Store

    assert found.store is not None and found.run_id is not None
    if not found.store.exists():
        say(f"its store {found.store} is not there any more; what it had recorded cannot be completed")
        return
    store = Store(found.store)
    for line in store.prepare():
        say(line)
    if not store.is_running(found.run_id):
        return
    snapshots = sum(len(batch) for batch in found.batches if batch.kind == "snapshot")
    if found.batches:
        store.append(found.run_id, found.batches)
    note = "the run was killed and recovered; up to two seconds of records before its end can be missing"
    store.close_run(
        found.run_id, status="interrupted", end_reason="killed", ended_at_ns=time.time_ns(), lost_events=None, notes=[note]
    )
    say(f"run {found.run_id} in {found.store} is closed as interrupted, with {snapshots:,} snapshots that the kernel still had")
