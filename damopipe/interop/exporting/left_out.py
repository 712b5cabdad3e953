"""What damopipe knows of a run and damo's formats have no place for: said, not dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence

from damopipe.errors import StageError
from damopipe.interop.exporting.asked_for import parameters
from damopipe.interop.exporting.recorded import Recorded

_WORDS = {
    "lost_events": "{:,} lost events",
    "referenced": "the bytes that procfs found referenced (damo's working sets are of whole regions)",
    "filtered": "the bytes that passed filters",
    "probes": "hits of probes",
    "parameters": "what was asked of DAMON: targets, limits, schemes",
    "feeds": "what feeds goals",
    "guards": "guards",
    "schemes": "what schemes did",
    "footprints": "memory footprints",
    "processes": "faults, swap and CPU time of processes",
    "mappings": "mappings",
    "counters": "counters of the system",
}
_UNKNOWN = {
    True: "{:,} regions have no access count; it is null here, which damo's reports do not take",
    False: "{:,} regions have no access count, which text cannot say; they are left out",
}


_BESIDE = {"kdamonds": "parameters", "mem_footprint": "footprints", "vmas": "mappings"}
"""What each file beside a recording has a place for."""


def left_out(recorded: Recorded, beside: Sequence[str], places: Sequence[str] = ()) -> list[str]:
    """One line a thing to know; `beside` are files written too, `places` what the format has a place for.

    Raises StageError for a run without snapshots.
    """
    if not len(recorded.snapshots["ns"]):
        raise StageError(f"run {recorded.run_id} has no snapshots, and damo's formats hold nothing else; see damopipe runs")
    found = recorded.ask("left_out")[0] | _asked(recorded)
    places = (*places, *(_BESIDE[name.rpartition(".")[2]] for name in beside))
    missing = [words.format(found[name]) for name, words in _WORDS.items() if found[name] and name not in places]
    notes = [_beside(beside)] if beside else []
    notes += [f"damo has no place for {', '.join(missing)}: not in this file, but in --format parquet"] if missing else []
    if found["unknown"]:
        notes.append(_UNKNOWN["unknown" in places].format(found["unknown"]))
    return notes


def _beside(names: Sequence[str]) -> str:
    *others, last = names
    return f"beside it {'are' if others else 'is'} {' and '.join([', '.join(others), last] if others else [last])}"


def _asked(recorded: Recorded) -> dict[str, bool]:
    """What a plan says that is no parameter of DAMON's; damo has it on no command line either."""
    feeds = any(context.get("feeds") for context in recorded.plan.get("contexts", ()))
    return {"parameters": bool(parameters(recorded)), "feeds": feeds, "guards": recorded.plan.get("guard") is not None}
