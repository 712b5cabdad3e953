"""Plan + backend + store → a finished run, then its outputs.

Invariant: a run that was begun in the store is closed with a status on every way out but SIGKILL, and what was
recorded before is kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from damopipe.damon.modules import MODULES
from damopipe.errors import UsageError
from damopipe.owner import give_tree
from damopipe.runner.health import complaints
from damopipe.runner.provenance import run_start
from damopipe.runner.recording import record
from damopipe.runner.result import RunResult
from damopipe.runner.signals import Stopper
from damopipe.runner.tally import Tally

if TYPE_CHECKING:
    from damopipe.outputs import OutputResult
    from damopipe.pipeline.planned import Plan
    from damopipe.runner.progress import Progress
    from damopipe.store import Store

__all__ = ["RunResult", "run"]


def run(plan: Plan, store: Store, out_root: Path, progress: Progress, takeover: bool = False) -> RunResult:
    """Runs `plan` to its end and makes its outputs under `out_root`.

    Raises TargetError or MachineError before anything is recorded, StageError when recording itself fails (the
    run is closed as failed first). Outputs that fail are in the result, not raised.
    """
    from damopipe.backend import backend

    log = out_root / f".{plan.name}-{os.getpid()}.log"
    session = backend(plan.backend, log, takeover).start(plan, progress.say, store.path)  # refuses before anything is written
    check_folder(out_root)
    for line in store.prepare():
        progress.say(line)
    with Stopper(progress.say) as stopper, removing(log):
        with session:
            began_ns, began_s = time.time_ns(), time.monotonic()
            stopper.on_stop(session.stop)
            run_id = store.begin_run(run_start(plan, session.targets, began_ns, session.clock_offset_ns))
            session.recording_to(store.path, run_id)
            progress.started(plan, run_id)
            module = MODULES[plan.module.name].title if plan.module else None
            tally = Tally(plan.record.duration_us, module=module, started=began_s, by_records=plan.backend == "simulate")
            recorded = record(run_id, session, store, progress, stopper, tally)
        out_dir = out_root / f"{plan.name}-{run_id}"
        _keep_log(log, out_dir, progress)
        outputs = _outputs(plan, run_id, store, out_dir, progress, stopper)
        if out_dir.exists():
            give_tree(out_dir)
    health = complaints(store, run_id)
    return RunResult(run_id, plan, store.path, out_dir, recorded, outputs, tuple(progress.notes), health, stopper.signal_number)


def check_folder(out_root: Path) -> None:
    """Finds out before the long work whether outputs can be written; UsageError if not."""
    try:
        out_root.mkdir(parents=True, exist_ok=True)
        probe = out_root / f".damopipe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        hint = "name another folder with --out, or change its permissions"
        raise UsageError(f"{out_root}: the output folder cannot be written ({error.strerror}); {hint}") from None


def _outputs(
    plan: Plan, run_id: int, store: Store, out_dir: Path, progress: Progress, stopper: Stopper
) -> tuple[OutputResult, ...]:
    """Makes every output in order; a second Ctrl-C leaves out the rest."""
    from damopipe.outputs import make_outputs

    if not (plan.outputs or plan.checks):
        return ()
    out_dir.mkdir(parents=True, exist_ok=True)
    _point_latest(out_dir)
    made = stopper.unless_stopped_twice(lambda: make_outputs(plan, run_id, store, out_dir, progress.say), store.interrupt)
    if made is None:
        progress.say(f"outputs were left out; the records are kept: damopipe chart heatmap --run {run_id}")
    return tuple(made or ())


@contextmanager
def removing(log: Path) -> Iterator[None]:
    """The output of a command goes to a file of its own while it runs; what is not kept of it goes."""
    try:
        yield
    finally:
        log.unlink(missing_ok=True)


def _keep_log(log: Path, out_dir: Path, progress: Progress) -> None:
    """What the target printed, kept beside the outputs."""
    if log.exists() and log.stat().st_size:
        out_dir.mkdir(parents=True, exist_ok=True)
        log.replace(out_dir / "target.log")
        progress.say(f"what the target printed is in {out_dir / 'target.log'}")


def _point_latest(out_dir: Path) -> None:
    """Makes `latest` beside the run's folder point at it; a thing of that name that is not a link is left alone."""
    link = out_dir.parent / "latest"
    if link.exists() and not link.is_symlink():
        return
    fresh = link.with_name(f".latest-{os.getpid()}")
    fresh.symlink_to(out_dir.name)
    fresh.replace(link)
