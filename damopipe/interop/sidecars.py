"""What damo writes beside a recording: its parameters, memory footprints, mappings and what /proc said of processes.

They have wall-clock times, the recording mostly has the time since boot; damo stores no offset. The last sample was taken
less than a sampling period before the recording ended, so that the clocks are joined to half of such a period.
Units: statm's pages are 4096 bytes, meminfo's numbers KiB, /proc/PID/stat's ticks hundredths of a second, as damo has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from damopipe.batches import batch
from damopipe.errors import DamagedError, UsageError
from damopipe.interop.items import Known
from damopipe.interop.numbers import integer, microseconds
from damopipe.interop.specs.kdamonds import kdamonds_draft
from damopipe.interop.specs.node import Node
from damopipe.pipeline.planned import PlannedContext
from damopipe.records import Batch

PAGE_BYTES, TICK_US = 4096, 10_000
SUFFIXES = ("mem_footprint", "vmas", "proc_stats")
BESIDE = tuple(f".{suffix}" for suffix in ("kdamonds", *SUFFIXES, "profile", "trace"))
"""How the names of all files end that damo writes beside a recording."""
LARGEST = 1 << 30
_HINT = "move it away to import without it"
_ODD = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
Sample = Mapping[str, Any]
Contexts = tuple[Mapping[str, Any], ...]


class Sidecars:
    """The files beside recordings that are parts of one, in their order; empty where there are none."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self.notes: list[str] = []
        """What could not be taken over, a line each."""
        self._samples: dict[str, list[Sample]] = {}
        for suffix in SUFFIXES:
            if found := [one for path in paths for one in _load(path, suffix) or ()]:
                self._samples[suffix] = found

    def known(self, given: Known) -> Known:
        """What was given, completed by the parameters that were recorded with it."""
        path, parameters = next(((path, found) for path in self._paths if (found := _load(path, "kdamonds"))), (None, []))
        try:
            contexts: Contexts = tuple(
                {**_context(one), "place": (number, place)}
                for number, kdamond in enumerate(parameters)
                for place, one in enumerate(kdamond["contexts"])
            )
        except _ODD as error:
            raise DamagedError(f"{path}.kdamonds: is none of damo's ({error}); {_HINT}") from None
        if not contexts:
            return given
        contexts = self._with_definitions(contexts, parameters, f"{path}.kdamonds")
        sample, aggr = contexts[0].get("sample_us"), contexts[0].get("aggr_us")
        return replace(given, sample_us=given.sample_us or sample, aggr_us=given.aggr_us or aggr, contexts=contexts)

    def _with_definitions(self, contexts: Contexts, parameters: list[Any], label: str) -> Contexts:
        """With everything that is said of them and their schemes; what cannot be read of it is a note."""
        try:
            draft = kdamonds_draft(Node(parameters, label))
        except UsageError as error:
            self.notes.append(f"{error}; of schemes there are the actions alone")
            return contexts
        self.notes += [f"{label}: {note.text}" for note in draft.notes]
        return tuple({**told, **_definitions(planned)} for told, planned in zip(contexts, draft.contexts, strict=True))

    @property
    def is_empty(self) -> bool:
        return not self._samples

    def offset_ns(self, last_ns: int) -> int:
        """What is to be added to a clock on which the recording ended at `last_ns`."""
        times = sorted(_ns(one) for samples in self._samples.values() for one in samples)
        rounds = max(len(samples) for samples in self._samples.values())
        period = (times[-1] - times[0]) // max(1, rounds - 1)
        return times[-1] + period // 2 - last_ns

    def batches(self, target_id: int) -> Iterator[Batch]:
        """Their records. Raises DamagedError for what makes no sense."""
        makers: dict[str, Callable[[Sequence[Sample]], Iterator[Batch]]] = {
            "mem_footprint": _footprints,
            "vmas": lambda samples: _mappings(samples, target_id),
            "proc_stats": _processes,
        }
        for suffix, samples in self._samples.items():
            try:
                yield from makers[suffix](samples)
            except _ODD as error:
                raise DamagedError(
                    f"{self._paths[0]}.{suffix}: makes no sense ({error}); move it away to import without it"
                ) from None


def _load(path: Path, suffix: str) -> list[Any] | None:
    file = path.with_name(f"{path.name}.{suffix}")
    try:
        if file.stat().st_size > LARGEST:
            raise DamagedError(f"{file}: is larger than 1 GiB; {_HINT}")
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(f"{file}: cannot be read ({error}); {_HINT}") from None
    if not isinstance(found, list):
        raise DamagedError(f"{file}: is none of damo's; {_HINT}")
    return found


def _context(found: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the table `context`, the pids of its targets and the actions of its schemes."""
    intervals, limits = found.get("intervals") or {}, found.get("nr_regions") or {}
    return {
        "operations": str(found["ops"]),
        "sample_us": microseconds(intervals.get("sample_us")),
        "aggr_us": microseconds(intervals.get("aggr_us")),
        "update_us": microseconds(intervals.get("ops_update_us")),
        "min_nr_regions": integer(limits.get("min")),
        "max_nr_regions": integer(limits.get("max")),
        "pids": tuple(integer(target.get("pid")) for target in found.get("targets") or ()),
        "names": tuple(target.get("name") for target in found.get("targets") or ()),
        "actions": tuple(str(scheme["action"]) for scheme in found.get("schemes") or ()),
    }


def _definitions(context: PlannedContext) -> dict[str, Any]:
    """As a run of damopipe stores them."""
    schemes = [{"name": one.name, "action": one.action, "definition": one.model_dump_json()} for one in context.schemes]
    return {"definition": context.model_dump_json(exclude={"schemes"}), "schemes": schemes}


def _ns(sample: Sample) -> int:
    return round(float(sample["time"]) * 1e9)


def _footprints(samples: Sequence[Sample]) -> Iterator[Batch]:
    rows = [(_ns(one), row["pid"], row["footprint"]) for one in samples for row in one["footprints"]]
    of_processes = [row for row in rows if row[1] is not None]
    of_system = [(ts, footprint) for ts, pid, footprint in rows if pid is None]
    yield batch("process", {
        "ts": [ts for ts, _, _ in of_processes],
        "pid": [int(pid) for _, pid, _ in of_processes],
        "role": ["target"] * len(of_processes),
        "rss_bytes": [statm["resident"] * PAGE_BYTES for _, _, statm in of_processes],
        "vsz_bytes": [statm["size"] * PAGE_BYTES for _, _, statm in of_processes],
    })  # fmt: skip
    names = {"total": "MemTotal", "free": "MemFree", "available": "MemAvailable", "buffers": "Buffers", "cached": "Cached"}
    counters = [(ts, f"meminfo.{name}", row[key] * 1024) for ts, row in of_system for key, name in names.items() if key in row]
    yield batch("counter", {"ts": [c[0] for c in counters], "name": [c[1] for c in counters], "value": [c[2] for c in counters]})


def _mappings(samples: Sequence[Sample], target_id: int) -> Iterator[Batch]:
    """Those of the first process, whenever they have changed."""
    before: Any = None
    for one in samples:
        vmas = one["procvmas"][0]["vmas"] if one["procvmas"] else []
        if vmas and vmas != before:
            before = vmas
            yield batch("mapping", {
                "target_id": [target_id] * len(vmas),
                "ts": [_ns(one)] * len(vmas),
                "start_addr": [vma["start"] for vma in vmas],
                "end_addr": [vma["end"] for vma in vmas],
                "name": [None if vma["name"] == "0" else str(vma["name"]) for vma in vmas],  # "0": the inode of none
            })  # fmt: skip


def _processes(samples: Sequence[Sample]) -> Iterator[Batch]:
    """CPU time and faults; a thread's name can have spaces, so fields are counted behind its parenthesis."""
    rows = [(_ns(one), *_stat(row["fields"])) for one in samples for row in one["proc_stats"]]
    names = ("ts", "pid", "comm", "minor_faults", "major_faults", "cpu_user_us", "cpu_system_us")
    columns = dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True)) if rows else {}
    if rows:
        roles = ["kdamond" if str(comm).startswith("kdamond") else "target" for comm in columns["comm"]]
        yield batch("process", columns | {"role": roles})


def _stat(fields: Sequence[str]) -> tuple[object, ...]:
    text = " ".join(map(str, fields))
    pid, comm = text[: text.index("(")], text[text.index("(") + 1 : text.rindex(")")]
    rest = text[text.rindex(")") + 1 :].split()
    return int(pid), comm, int(rest[7]), int(rest[9]), int(rest[11]) * TICK_US, int(rest[12]) * TICK_US
