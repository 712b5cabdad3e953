"""What damopipe knows of a run and damo's formats have no place for: said, not dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence

from damopipe.errors import StageError
from damopipe.interop.exporting.recorded import Recorded

_WORDS = {
    "lost_events": "{:,} lost events",
    "referenced": "the bytes that procfs found referenced (damo's working sets are of whole regions)",
    "filtered": "the bytes that passed filters",
    "probes": "hits of probes",
    "schemes": "what schemes did",
    "processes": "samples of processes",
    "mappings": "mappings",
    "counters": "counters of the system",
}
_UNKNOWN = {
    True: "{:,} regions have no access count; it is null here, which damo's reports do not take",
    False: "{:,} regions have no access count, which text cannot say; they are left out",
}


def left_out(recorded: Recorded, places: Sequence[str] = ()) -> list[str]:
    """One line a thing to know; `places` are what the format has a place for. StageError for a run without snapshots."""
    if not len(recorded.snapshots["ns"]):
        raise StageError(f"run {recorded.run_id} has no snapshots, and damo's formats hold nothing else; see damopipe runs")
    found = recorded.ask("left_out")[0]
    missing = [words.format(found[name]) for name, words in _WORDS.items() if found[name] and name not in places]
    notes = [f"damo has no place for {', '.join(missing)}: not in this file, but in --format parquet"] if missing else []
    if found["unknown"]:
        notes.append(_UNKNOWN["unknown" in places].format(found["unknown"]))
    return notes
