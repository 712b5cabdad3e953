"""What this machine can do, what stands in the way, and how to fix it: a diagnosis, made by reading only.

`examine` looks at the machine, and at what one pipeline needs of it; how it is shown is `damopipe.cli.doctor`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from damopipe.backend import BACKENDS, backend, choose
from damopipe.backend.protocol import Wants
from damopipe.doctor.findings import Finding, any_missing
from damopipe.doctor.machine import look
from damopipe.doctor.pipeline import judge
from damopipe.errors import MachineError
from damopipe.kernel import conditions, features, in_use
from damopipe.kernel.features import FEATURES, Features
from damopipe.kernel.machine import Machine
from damopipe.pipeline.load import Loaded
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan


@dataclass(frozen=True)
class Verdict:
    """What one pipeline finds here."""

    file: str
    backend: str
    """The one that would run it; empty where none can."""
    reason: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found."""

    machine: tuple[Finding, ...]
    backends: tuple[Finding, ...]
    auto: str
    """What `auto` takes for a pipeline without schemes; empty where it takes none."""
    features: Features
    modules: Mapping[str, Mapping[str, str | None]]
    """The parameters of DAMON's modules; None for what may not be read."""
    pipeline: Verdict | None = None

    @property
    def exit_code(self) -> int:
        """3 where something is missing: for the pipeline, or without one when no backend works at all."""
        bad = any_missing(self.pipeline.findings) if self.pipeline else not self.auto
        return MachineError.exit_code if bad else 0

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "ok": not self.exit_code,
            "release": self.features.release,
            "auto": self.auto or None,
            "backends": [vars(finding) for finding in self.backends],
            "machine": [vars(finding) for finding in self.machine],
            "features": [_feature(name, self.features) for name in FEATURES],
            "modules": {name: dict(parameters) for name, parameters in self.modules.items()},
            "pipeline": self.pipeline and {**vars(self.pipeline), "findings": [vars(one) for one in self.pipeline.findings]},
        }


def examine(machine: Machine, loaded: Loaded | None = None, wanted: str | None = None) -> Diagnosis:
    """Looks at the machine; with a pipeline also at what it needs, on the backend `wanted` or the file's own."""
    found = features.find(machine)
    modules = {name: conditions.parameters(machine, name) for name in in_use.MODULES}
    return Diagnosis(
        machine=look(machine, found),
        backends=tuple(_backend(name, machine) for name in BACKENDS),
        auto=_auto(machine),
        features=found,
        modules={name: parameters for name, parameters in modules.items() if parameters},
        pipeline=_verdict(machine, found, loaded, wanted) if loaded else None,
    )


def _backend(name: str, machine: Machine) -> Finding:
    missing = backend(name, machine=machine).missing(Wants())
    return Finding(name, "missing", missing) if missing else Finding(name, "ok", _CAN[name])


_CAN = {
    "damon": "everything DAMON offers: processes, physical memory, schemes",
    "procfs": "your own processes, without schemes; no root needed",
    "simulate": "a model of DAMON over modelled memory: rehearsals; nothing of this machine",
}


def _auto(machine: Machine) -> str:
    try:
        return choose("auto", Wants(), machine=machine)[0]
    except MachineError:
        return ""


def _verdict(machine: Machine, found: Features, loaded: Loaded, wanted: str | None) -> Verdict:
    """The plan for the backend that would take it; where none can, all that DAMON would need."""
    asked = wanted or loaded.pipeline.backend
    refused: tuple[Finding, ...] = ()
    try:
        name, reason = choose(asked, Wants.of_pipeline(loaded.pipeline), machine=machine)
    except MachineError as error:
        name, reason = "", ""
        refused = (Finding("backend", "missing", str(error)),)
    plan = make_plan(loaded, name or ("damon" if asked == "auto" else asked), reason)
    findings = (*refused, *judge(plan, machine, found))
    if name and not any_missing(findings):
        findings = (*findings, *_refused(plan, machine))
    findings = (*findings, *(Finding(note.key, "note", note.message) for note in loaded.notes))
    return Verdict(str(loaded.path), name, reason, findings)


def _refused(plan: Plan, machine: Machine) -> Iterator[Finding]:
    """What the backend itself says of the plan; a session that is not entered has started and written nothing."""
    try:
        backend(plan.backend, machine=machine).start(plan, lambda _: None)
    except MachineError as error:
        yield Finding("backend", "missing", str(error))


def _feature(name: str, found: Features) -> dict[str, Any]:
    row = FEATURES[name]
    return {
        "name": name,
        "is_there": name in found,
        "found_by": found.how[name],
        "since": row.since,
        "commit": row.commit,
        "what": row.what,
    }
