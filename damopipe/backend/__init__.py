"""Where a plan can run: one module a backend, imported when it is asked for.

`choose` never falls back on simulated data; what it takes instead of DAMON it gives a reason for.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from damopipe.errors import MachineError, UsageError
from damopipe.kernel.machine import Machine

if TYPE_CHECKING:
    from damopipe.backend.protocol import Backend, Wants

BACKENDS: dict[str, tuple[str, str]] = {
    "damon": ("damopipe.backend.damon", "DamonBackend"),
    "procfs": ("damopipe.backend.procfs", "ProcfsBackend"),
    "simulate": ("damopipe.backend.simulate", "SimulateBackend"),
}
"""Each backend: its module and its class."""

NAMES = ("auto", *BACKENDS)
"""What a pipeline may ask for."""


def backend(name: str, log: Path | None = None, takeover: bool = False, machine: Machine | None = None) -> Backend:
    """The backend of that name; `log` is the file that takes the output of commands it starts.

    With `takeover` it may set aside who has DAMON, where that loses nothing. Raises UsageError for an unknown name.
    """
    if name in BACKENDS:
        module, kind = BACKENDS[name]
        return cast("Backend", getattr(import_module(module), kind).on(machine or Machine.here(), log, takeover))
    raise UsageError(f"backend {name!r}: unknown{_nearest(name)}")


def choose(requested: str, wants: Wants, takeover: bool = False, machine: Machine | None = None) -> tuple[str, str]:
    """The backend to take, and why: "" when it was asked for by name. Reads only.

    Raises MachineError saying what is missing and which --backend would work, UsageError for an unknown name.
    """
    if requested != "auto":
        missing = backend(requested, None, takeover, machine).missing(wants)
        if missing:
            raise MachineError(f"{missing}; {_instead(wants)}" if requested == "damon" else missing)
        return requested, ""
    without_damon = backend("damon", None, takeover, machine).missing(wants)
    if without_damon is None and wants.module:
        return "damon", "auto: a module is DAMON's own"
    if without_damon is None:
        return "damon", "auto: this kernel has DAMON, and nobody else uses it"
    if backend("procfs", None, takeover, machine).missing(wants) is None:
        return "procfs", f"auto: {without_damon}"
    raise MachineError(f"{without_damon}; {_instead(wants)}")


def _instead(wants: Wants) -> str:
    """What would work without DAMON."""
    without_procfs = backend("procfs").missing(wants)
    if without_procfs is None:
        return "--backend procfs would work"
    if wants.module:
        what = "modules need DAMON"
    elif "paddr" in wants.operations:
        what = "physical memory needs DAMON"
    elif wants.schemes:
        what = "schemes need DAMON"
    else:
        return without_procfs
    return f"{what}; accesses of a process can be recorded without it: see damopipe init"


def likely(requested: str, wants: Wants, takeover: bool = False) -> tuple[str, str]:
    """`choose` for a look at a plan: on a machine that cannot, the backend that others would take, and why not here."""
    try:
        return choose(requested, wants, takeover)
    except MachineError as error:
        return "damon" if requested == "auto" else requested, f"not on this machine: {error}"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(NAMES)}"
