"""Where a run comes from: the pipeline file's commit, the machine, the versions; stored with the run."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe import __version__
from damopipe.damon.module_schemes import attrs_of, schemes_of
from damopipe.owner import invoker

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan, PlannedContext
    from damopipe.records import TargetRow
    from damopipe.store import RunStart

GIT_SECONDS = 5


def run_start(plan: Plan, targets: list[TargetRow], began_ns: int, clock_offset_ns: int | None = None) -> RunStart:
    """The run's row and its contexts, targets and schemes, as they were when recording began (`began_ns`, wall clock)."""
    from damopipe.store import RunStart

    commit, dirty = git_state(Path(plan.file))
    return RunStart(
        pipeline=plan.name,
        backend=plan.backend,
        backend_reason=plan.backend_reason or None,
        started_at_ns=began_ns,
        clock="simulated" if plan.backend == "simulate" else "wall",
        clock_offset_ns=clock_offset_ns,
        host=platform.node(),
        kernel=None if plan.backend == "simulate" else platform.release(),
        machine=platform.machine(),
        damopipe_version=__version__,
        python_version=platform.python_version(),
        file=plan.file,
        file_sha256=plan.sha256,
        git_commit=commit,
        git_dirty=dirty,
        plan=plan.model_dump_json(),
        text=plan.text,
        targets=tuple(targets),
        contexts=tuple(_contexts(plan)),
        schemes=tuple(_schemes(plan)),
    )


def _contexts(plan: Plan) -> Iterator[dict[str, object]]:
    """Of a module there is one, where its parameters say how it monitors."""
    from damopipe.pipeline.planned import PlannedContext, PlannedTarget

    for number, context in enumerate(plan.contexts):
        yield _context(number, context, plan.backend != "procfs")
    if plan.module and plan.module.parameters:
        target = PlannedTarget(kind="physical")
        of_module = PlannedContext(operations="paddr", attrs=attrs_of(plan.module.parameters), targets=(target,))
        yield _context(0, of_module, backend_limits=True)


def _context(number: int, context: PlannedContext, backend_limits: bool) -> dict[str, object]:
    intervals, limits = context.attrs.intervals, context.attrs.nr_regions
    return {
        "context_id": number,
        "operations": context.operations,
        "sample_us": intervals.sample_us,
        "aggr_us": intervals.aggr_us,
        "update_us": intervals.update_us,
        "min_nr_regions": limits.min if backend_limits else None,
        "max_nr_regions": limits.max if backend_limits else None,
        "definition": context.model_dump_json(exclude={"schemes"}),
    }


def _schemes(plan: Plan) -> Iterator[dict[str, object]]:
    """Schemes are counted over all contexts; a module's are those that its parameters make."""
    every = [(number, scheme) for number, context in enumerate(plan.contexts) for scheme in context.schemes]
    if plan.module:
        every = [(0, scheme) for scheme in schemes_of(plan.module.name, plan.module.parameters)]
    for scheme_id, (context_id, scheme) in enumerate(every):
        yield {
            "scheme_id": scheme_id,
            "context_id": context_id,
            "name": scheme.name,
            "action": scheme.action,
            "definition": scheme.model_dump_json(),
        }


def git_state(file: Path) -> tuple[str | None, bool | None]:
    """The commit of the repository that holds `file`, and whether `file` differs from it; (None, None) outside git."""
    commit = _git(file.parent, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    status = _git(file.parent, "status", "--porcelain", "--", file.name)
    return commit, None if status is None else bool(status)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None. Under sudo it runs as the invoking user: a repository can make git run programs."""
    who: dict[str, Any] = {}
    if owner := invoker():
        who = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, text=True, timeout=GIT_SECONDS, stdin=subprocess.DEVNULL, env=environment, **who,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
