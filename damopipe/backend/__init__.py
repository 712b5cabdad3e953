"""Where a plan can run: one module a backend, imported when it is asked for.

`choose` never falls back on simulated data; what it takes instead of DAMON it gives a reason for.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from damopipe.errors import MachineError, UsageError

if TYPE_CHECKING:
    from damopipe.backend.protocol import Backend

BACKENDS: dict[str, tuple[str, str]] = {"procfs": ("damopipe.backend.procfs", "ProcfsBackend")}
"""Each backend of this version: its module and its class."""

_LATER = ("damon", "simulate")
NAMES = ("auto", *_LATER, *BACKENDS)
"""What a pipeline may ask for."""


def backend(name: str, log: Path | None = None) -> Backend:
    """The backend of that name; `log` is the file that takes the output of commands it starts.

    Raises MachineError for one that this version does not have, UsageError for an unknown name.
    """
    if name in BACKENDS:
        module, kind = BACKENDS[name]
        return cast("Backend", getattr(import_module(module), kind)(log=log))
    if name in _LATER:
        raise MachineError(f"this version of damopipe has no {name} backend yet; use --backend procfs")
    raise UsageError(f"backend {name!r}: unknown{_nearest(name)}")


def choose(requested: str, has_schemes: bool) -> tuple[str, str]:
    """The backend to take, and why: "" when it was asked for by name.

    Raises MachineError saying what is missing and which --backend would work, UsageError for an unknown name.
    """
    if requested != "auto":
        missing = backend(requested).missing(has_schemes)
        if missing:
            raise MachineError(missing)
        return requested, ""
    if has_schemes:
        raise MachineError("schemes need DAMON, which this version cannot drive yet; without schemes --backend procfs would work")
    missing = backend("procfs").missing(False)
    if missing:
        raise MachineError(f"this version cannot drive DAMON yet, and {missing}")
    return "procfs", "auto: this version cannot drive DAMON yet, and the pipeline has no schemes"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(NAMES)}"
