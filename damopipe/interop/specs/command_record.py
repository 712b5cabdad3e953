"""What `damo record` is told to record, as a pipeline's [record]; and every option that has no like."""

from __future__ import annotations

import re
from decimal import Decimal

from damopipe.errors import UsageError
from damopipe.interop.specs.draft import Tell
from damopipe.interop.specs.options import Given, integer
from damopipe.interop.specs.pattern import MAX_US
from damopipe.pipeline.planned import PlannedRecord
from damopipe.pipeline.values import shown

_SECONDS = re.compile(r"\d{1,14}(?:\.\d{1,9})?", re.ASCII)
_ALSO = {"mem_footprint": ("process", "system"), "vmas": ("mappings",), "proc_stats": ("process",)}
_USUAL = ("access", "cpu_profile", "mem_footprint", "vmas", "proc_stats")
_OF_FILES = ("out", "output_type", "output_permission", "output_flush_sec", "perf_path", "damon_tracer", "rbuf")
_FILTERS = ("sz_region", "access_rate", "age", "address", "sz_snapshot", "snapshot_time", "snapshot_idx", "temperature")
_NO_EQUAL = {
    "exp_ops_use_reports": "no kernel release has it",
    "exp_ops_write_only": "no kernel release has it",
    "exp_ops_cpus": "no kernel release has it",
    "exp_ops_tids": "no kernel release has it",
    "sample_primitives": "no kernel release has it",
    "probe_prep": "no kernel release has it",
    "damon_interface": "sysfs is used",
    "damon_interface_DEPRECATED": "sysfs is used",
    "debug_damon": "damopipe plan shows every write",
    "quota_goals_only": "damopipe tune writes what differs",
    "schemes_target_regions": 'record regions of schemes with [record] also = ["schemes"]',
    "snapshot_damos_filter": "write it as a filter of a scheme of action stat",
    "report_type": "charts are [[output]] tables",
}


def record_of(verb: str, given: Given, tell: Tell) -> PlannedRecord:
    """The record of a damo command line, and a note on each option without an equal. Raises UsageError."""
    for name in dict.fromkeys(name for name, _ in given.seen):
        if name in _NO_EQUAL:
            tell(f"damo --{name}: {_NO_EQUAL[name]}")
    if any(name in given for name in _OF_FILES):
        used = ", ".join(f"--{name}" for name in _OF_FILES if name in given)
        tell(f"damo {used}: records go to the store (--store), without perf")
    if any(name in given for name in _FILTERS):
        used = ", ".join(f"--{name}" for name in _FILTERS if name in given)
        tell(f"damo {used}: everything is recorded, and filtered when it is asked for (damopipe show, damopipe sql)")
    return _record(given, tell) if verb == "record" else PlannedRecord()


def _record(given: Given, tell: Tell) -> PlannedRecord:
    wanted = [word for values in given.all("do_record") for word in values] or list(_USUAL)
    if "do_record" in given and "cpu_profile" in wanted:
        tell("damo --do_record cpu_profile: damopipe records no CPU profile")
    also = [one for word in wanted for one in _ALSO.get(word, ())]
    duration, snapshot = given.first("timeout"), given.nth("snapshot", 0)
    every = _seconds("--snapshot", snapshot[0]) if snapshot else None
    lasts = _seconds("--timeout", duration) if duration else None
    if every and snapshot and not lasts:
        lasts = every * max(1, integer("--snapshot", snapshot[1]))
    if lasts and lasts > MAX_US:
        raise UsageError("--snapshot: is longer than 584 years")
    return PlannedRecord.model_validate({"duration_us": lasts, "snapshot_us": every, "also": tuple(dict.fromkeys(also))})


def _seconds(option: str, text: str) -> int:
    us = int(Decimal(text) * 10**6) if _SECONDS.fullmatch(text) else 0
    if not 0 < us <= MAX_US:
        raise UsageError(f"{option}: {shown(text)} is not a number of seconds")
    return us
