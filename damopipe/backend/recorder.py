"""What the damon backend records with: the ring buffer of tracefs, or snapshots on request.

Invariant: leaving a recorder undoes what entering it did; it never starts or stops a kdamond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from damopipe.backend.members import Members
from damopipe.records import Batch


class Recorder(Protocol):
    """A context manager; entered before the kdamonds are switched on."""

    by_snapshots: bool
    """Whether it needs the schemes that watch (`backend.staging.watchers`), and intervals are read back."""
    wait_s: float
    """How long records may wait for `collect`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def begin(self, contexts: Sequence[Members], kdamond_pids: Sequence[int], wall_ns: int, began_ns: int) -> None:
        """The kdamonds run since `began_ns`; `wall_ns` is added to the monotonic clock to get the wall's."""
        ...

    def retarget(self, context: Members, kdamond_pid: int, now_ns: int) -> None:
        """From now on the targets of a context are other ones."""
        ...

    def collect(self, now_ns: int, final: bool) -> Iterator[Batch]:
        """What there is since the last time; with `final`, also what was waiting for more."""
        ...
