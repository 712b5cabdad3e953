"""A module that stays on after we exit: what keeps it from being started, and what it says now.

`staying` keeps it in the state file with its plan and ends it. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe.backend.refusal import only_observed
from damopipe.damon.modules import MODULES
from damopipe.errors import MachineError
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import numbers, read
from damopipe.pipeline.planned import PlannedModule

_SHOWN = (0, 25, 50, 75, 95, 100)
"""The percentiles of idle time that a look shows."""
_UNTOLD = dict.fromkeys(("sz_ops_filter_passed", "nr_snapshots", "effective_quota_bytes"))
"""What no module tells of its schemes."""


def refuse_what_runs(machine: Machine, module: PlannedModule) -> None:
    """Raises MachineError where there is nothing to start: DAMON_STAT is on, and nothing of it can be set."""
    if only_observed(machine, module.name):
        title = MODULES[module.name].title
        raise MachineError(f"{title} runs already, and damopipe did not start it; damopipe run FILE records what it says")


def scheme_numbers(machine: Machine, module: PlannedModule) -> Iterator[tuple[str, str, dict[str, int | None]]]:
    """Name, action and the kernel's numbers of each scheme, by the names of the table `scheme_stat`."""
    known = MODULES[module.name]
    for scheme in known.schemes:
        yield scheme.name, scheme.action, _UNTOLD | numbers(machine, known.folder, scheme.files)


def other_numbers(machine: Machine, module: PlannedModule) -> dict[str, int | None]:
    """What it tells besides; None for what this kernel does not tell."""
    known = MODULES[module.name]
    found = numbers(machine, known.folder, {name: name for name in known.counters if name != "kdamond_pid"})
    text = read(machine, known.folder, known.percentiles) if known.percentiles else None
    idle = [int(ms) for ms in text.split(",")] if text else []
    return found | {f"idle_p{number}_ms": idle[number] for number in _SHOWN if number < len(idle)}
