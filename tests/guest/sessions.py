"""Sessions of the damon backend, run to their end, and their records joined."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from damopipe.backend.damon import DamonBackend
from damopipe.backend.protocol import Session
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch

Table = dict[str, "np.ndarray[Any, Any]"]


class Run:
    """What a session of `plan` yields; it is stopped once `until` holds."""

    def __init__(self, plan: Plan, takeover: bool = False, until: Callable[[], bool] = lambda: False) -> None:
        self.notes: list[str] = []
        found: dict[str, list[Batch]] = defaultdict(list)
        with start(plan, self.notes, takeover) as session:
            for batch in session.batches():
                found[batch.kind].append(batch)
                if until():
                    session.stop()
        self.end_reason, self.targets = session.end_reason, session.targets
        self.tables: dict[str, Table] = {kind: _joined(batches) for kind, batches in found.items()}

    @property
    def regions(self) -> Table:
        return self.tables["region"]

    @property
    def snapshots(self) -> Table:
        return self.tables["snapshot"]

    def rate(self, span: tuple[int, int], target: int = 0) -> float:
        """The mean access rate of a range of addresses, 0 to 1, without the first three aggregations."""
        r = self.regions
        samples = dict(zip(self.snapshots["ts"].tolist(), self.snapshots["nr_samples"].tolist(), strict=True))
        late = np.unique(r["ts"])[3:]
        chosen = (r["target_id"] == target) & np.isin(r["ts"], late)
        start, end = (np.clip(r[name][chosen].astype(np.int64), *span) for name in ("start_addr", "end_addr"))
        of = np.array([samples[ts] for ts in r["ts"][chosen].tolist()])
        return float((r["nr_accesses"][chosen] / of * (end - start)).sum() / max(1, (end - start).sum()))


def start(plan: Plan, notes: list[str] | None = None, takeover: bool = False) -> Session:
    return DamonBackend(Machine(), takeover=takeover).start(plan, (notes if notes is not None else []).append)


def killed_after(seconds: float, one: Plan, takeover: bool = False) -> None:
    """A process that runs a session and is killed: at any moment from its first write on."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        try:
            session = start(one, takeover=takeover)
            os.write(tell, b"x")
            with session:
                for _ in session.batches():
                    pass
        finally:
            os._exit(0)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _joined(batches: list[Batch]) -> Table:
    names = [name for name in batches[0].columns if all(name in batch.columns for batch in batches)]
    return {name: np.concatenate([batch.columns[name] for batch in batches]) for name in names}
