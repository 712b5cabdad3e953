"""What a run of the damon backend would write, in order, for `damopipe plan`: nothing is started or written.

Invariant: it is the same `render` that a run uses; only what a run finds out (pids, System RAM) is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from damopipe.backend.refusal import only_observed
from damopipe.backend.staging import kdamond_of
from damopipe.backend.tracing import buffer_kb, events_of, instance_of
from damopipe.damon.kdamond import Target
from damopipe.damon.model import AddressRange
from damopipe.damon.modules import MODULES
from damopipe.errors import DamopipeError
from damopipe.kernel import iomem, trace_instance, tracefs
from damopipe.kernel.features import Features, find, of_version
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import flaw, lacking_parameters, module_writes
from damopipe.kernel.needs import missing, needs, sentence
from damopipe.kernel.no_match import in_words, takes_unmatched
from damopipe.kernel.sysfs import render
from damopipe.pipeline.describe import target_name
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedTarget

FIRST_PID = 1_000_000_000
"""Stands for the pid of target 0 until it is told in words; no pid is that large."""


def planned_writes(plan: Plan, machine: Machine) -> list[tuple[str, str]]:
    """Every write to the kernel as (path, text), in order. Raises UsageError for a scheme that matches nothing.

    A plan that needs more than this kernel has is shown as on one that has it: `lacking` says what is missing.
    """
    if plan.module:
        return [] if _is_observed(plan.module.name, machine) else module_writes(plan.module, machine)
    known = _known(machine).names | {need.feature for need in needs(plan)}
    tracing = list(_tracing(plan, machine))
    return [*tracing, *_sysfs(plan, known, machine), *_filters(tracing)]


def lacking(plan: Plan, machine: Machine) -> Iterator[str]:
    """What the plan needs that this kernel does not have, a line each."""
    known = _known(machine)
    yield from (sentence(need, known) for need in missing(plan, known))
    if plan.module:
        yield from lacking_parameters(plan.module, machine)


def remarks(plan: Plan, machine: Machine) -> Iterator[str]:
    """What is to be said of a plan before anything is written, a line each."""
    if plan.module and (wrong := flaw(plan.module, machine)):
        yield wrong
    if plan.module and _is_observed(plan.module.name, machine):
        yield f"{MODULES[plan.module.name].title} runs already; a run records what it says, and writes nothing"


def _is_observed(module: str, machine: Machine) -> bool:
    """False where that cannot be seen: then a run would not be allowed to see it either."""
    try:
        return only_observed(machine, module)
    except PermissionError:
        return False


@dataclass(frozen=True)
class Unmatched:
    """What a scheme with filters does, on this kernel, with memory that none of them matches."""

    context: int
    scheme: int
    name: str
    is_taken: bool
    text: str


def unmatched(plan: Plan, machine: Machine) -> Iterator[Unmatched]:
    """One for each scheme with filters."""
    known = _known(machine)
    for number, context in enumerate(plan.contexts):
        for place, scheme in enumerate(context.schemes):
            text = in_words(scheme, context.operations, known)
            if text is not None:
                is_taken = bool(takes_unmatched(scheme, context.operations, known))
                yield Unmatched(number, place, scheme.name, is_taken, text)


def _known(machine: Machine) -> Features:
    """What the kernel has; of one without DAMON, what its version could."""
    found = find(machine)
    return found if "sysfs" in found else of_version(found.release)


def describe_writes(writes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The writes for a terminal, grouped by the folder they have in common."""
    if not writes:
        return
    count = f"{len(writes)} writes, in this order" if len(writes) > 1 else "1 write"
    yield from ("", f"{count}; all of it is undone at the end:")
    for folder, group in groupby(writes, key=lambda write: _folder(write[0])):
        yield f"{folder}/"
        yield from (f"  {path.removeprefix(folder + '/')} = {text}".rstrip() for path, text in group)


def _folder(path: str) -> str:
    """What the paths of a group begin with."""
    if "/module/" in path:
        return path.rpartition("/")[0]
    head, found, rest = path.partition("/instances/")
    if found:
        return f"{head}{found}{rest.partition('/')[0]}"
    return path.partition("/kdamonds/")[0] + "/kdamonds"


def _tracing(plan: Plan, machine: Machine) -> Iterator[tuple[str, str]]:
    """What each kdamond's own instance is set up with."""
    if plan.record.snapshot_us is not None or tracefs.missing(machine):
        return
    for number, context in enumerate(plan.contexts):
        events = [name for name in events_of(plan, context) if (machine.tracing / "events/damon" / name).exists()]
        folder = machine.tracing / "instances" / instance_of(f"{trace_instance.PREFIX}<pid>", number)
        files = tracefs.settings(buffer_kb(context)) | {f"events/damon/{name}/filter": "common_pid == 0" for name in events}
        files |= {f"events/damon/{name}/enable": "1" for name in events}
        yield from ((f"{folder}/{file}", text) for file, text in files.items())
        yield f"{folder}/tracing_on", "1"


def _filters(tracing: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """When the kdamonds have pids, each instance wants the events of its own."""
    for path, _ in tracing:
        if path.endswith("/filter"):
            number = path.partition("/events/")[0].rpartition("-")[2]
            yield path, f"common_pid == <pid of kdamond {number}>"


def _sysfs(plan: Plan, known: frozenset[str], machine: Machine) -> list[tuple[str, str]]:
    targets = [list(_targets(context, machine)) for context in plan.contexts]
    by_snapshots = plan.record.snapshot_us is not None or tracefs.missing(machine) is not None
    nouns = [kdamond_of(c, t, by_snapshots) for c, t in zip(plan.contexts, targets, strict=True)]
    files = [(path, _in_words(path, text, plan)) for path, text in render(nouns, known).items()]
    switches = [(f"{number}/state", "on") for number in range(len(nouns))]
    return [(str(machine.kdamonds / path), text) for path, text in [*files, *switches] if text]


def _targets(context: PlannedContext, machine: Machine) -> Iterator[Target]:
    """As a run would make them: physical memory is one target, and each process is one."""
    physical = [target for target in context.targets if target.kind == "physical"]
    if physical:
        yield Target(regions=tuple(span for target in physical for span in _ranges(target, machine)))
    for number, target in enumerate(context.targets):
        if target.kind != "physical":
            yield Target(pid=target.pid or FIRST_PID + number, regions=target.initial_regions)


def _ranges(target: PlannedTarget, machine: Machine) -> Sequence[AddressRange]:
    if target.ranges is not None:
        return target.ranges
    try:
        return iomem.system_ram(machine) if target.numa_node is None else iomem.node_ram(machine, target.numa_node)
    except (DamopipeError, OSError):
        return ()


def _in_words(path: str, text: str, plan: Plan) -> str:
    number, _, rest = path.partition("/")
    if not number.isdigit():
        return text
    context = plan.contexts[int(number)]
    if path.endswith("/pid_target") and text.isdigit() and int(text) >= FIRST_PID:
        return f"<pid of {target_name(context.targets[int(text) - FIRST_PID])}>"
    if rest == "contexts/0/targets/0/regions/nr_regions" and context.operations == "paddr" and text == "0":
        return f"<ranges of {target_name(context.targets[0])}, which root can read>"
    return text
