"""What is to be known of a prediction, in sentences: they are printed with every result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from damopipe.whatif.outcome import GIVES
from damopipe.whatif.reading import Query, sql

if TYPE_CHECKING:
    from damopipe.whatif.outcome import Outcome


def assumptions(query: Query, run_id: int, outcomes: Sequence[Outcome], rss_bytes: float | None) -> list[str]:
    """Those that hold of every replay, and those of this one."""
    return [*_always(), *_of_run(query, run_id, rss_bytes), *_of_schemes(outcomes)]


def _always() -> list[str]:
    return [
        "The recording shows what happened without the scheme: that a page comes back slower, or that the program then behaves "
        "otherwise, is not in it.",
        "A region stands for all of its bytes, and its age is an estimate: DAMON averages ages when it merges regions.",
        "Memory is selected once a spell, when its age is reached; what leaves it is seen at the end of an aggregation.",
    ]


def _of_run(query: Query, run_id: int, rss_bytes: float | None) -> list[str]:
    found = []
    acting = query(sql("acting"), {"run": run_id})
    if len(acting["name"]):
        names = ", ".join(dict.fromkeys(map(str, acting["action"])))
        found.append(f"Schemes that act were on while it was recorded ({names}): they set ages back, so that less looks old.")
    operations = set(map(str, query(sql("operations"), {"run": run_id})["operations"]))
    if "paddr" in operations:
        found.append("Physical memory was watched: free memory is idle too, and is counted as selected.")
    elif rss_bytes is None:
        found.append(
            "Address space was watched, not memory: what was never resident counts as cold. "
            'Record with also = ["process"] to have the resident part told apart.'
        )
    else:
        found.append("Resident is what of the recorded RSS cannot be memory that was not selected.")
    return found


def _of_schemes(outcomes: Sequence[Outcome]) -> list[str]:
    found = []
    schemes = [one.variant.scheme for one in outcomes]
    if any(one.pattern.access.max != 0 and one.action not in GIVES for one in schemes):
        found.append("A pattern that takes memory in use is touched at once; only what becomes hotter than it is counted.")
    if any(one.action in GIVES for one in schemes):
        found.append("Of actions for hot memory, the rate is what cools down, or changes its rate, after it was selected.")
    if any(one.pattern.size_bytes.min > 4096 or one.pattern.size_bytes.max is not None for one in schemes):
        found.append("Sizes are those of regions as they were recorded, in the last snapshot of a spell.")
    if any(one.pattern.age.max is not None for one in schemes):
        found.append("The upper bound of an age is not looked at: memory passes through it on its way to being older.")
    if any(one.apply_interval_us or one.watermarks.metric != "none" or one.filters for one in schemes):
        found.append("Apply intervals, watermarks and filters are not replayed: the recording has nothing that would tell.")
    if any(one.quota.time_ms or one.quota.goals for one in schemes):
        found.append("Quotas in time, and goals, are not replayed; sizes are.")
    return found
