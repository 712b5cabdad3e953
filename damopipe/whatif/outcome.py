"""What one variant would have done, and the whole answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from damopipe.pipeline.variants import Variant
    from damopipe.records import Column

TAKES = frozenset({"pageout", "cold", "lru_deprio", "migrate_cold", "nohugepage"})
"""Actions for memory that is not used: they cost something when it is touched again."""
GIVES = frozenset({"willneed", "lru_prio", "migrate_hot", "hugepage", "collapse"})
"""Actions for memory that is used: they were for nothing when it cools down."""
OPPOSITES: Mapping[str, frozenset[str]] = {
    "pageout": frozenset({"willneed"}),
    "cold": frozenset({"willneed"}),
    "lru_deprio": frozenset({"lru_prio"}),
    "migrate_cold": frozenset({"migrate_hot"}),
    "nohugepage": frozenset({"hugepage", "collapse"}),
}
"""What undoes what; pageout and migrate_hot, say, do not meet."""
OBJECTIVE = 0.2
"""% of the working set a minute: what Google holds its far memory to (Lagar-Cavilla et al., ASPLOS'19, section 4.2)."""

ENOUGH_US = 60_000_000


@dataclass(frozen=True)
class Quota:
    """What a limit of bytes an interval would have made of it."""

    size_bytes: int
    interval_us: int
    saved_bytes: float
    """As `Outcome.saved_bytes`, of what was let through."""
    let_through_bytes: float
    done_us: float | None
    """After how long nothing waited for the first time; None: never."""
    waiting_bytes: float
    """What waited at the end."""
    touched_bytes: float
    promotion_percent: float | None


@dataclass(frozen=True)
class Outcome:
    """One variant; bytes and us. None where the recording is too short for its age."""

    variant: Variant
    age_us: int
    known_seconds: float
    """For how much of the recording memory could be known to be so old."""
    saved_bytes: float | None
    """In the pattern for at least its age, as a mean over that time."""
    resident_bytes: float | None
    """Of those, what was in memory; None where the resident memory was not recorded."""
    selected_bytes: float
    """Each spell once."""
    tried_bytes: float
    stayed_us: float | None
    """For how long memory stayed in the pattern after it was selected, on average, up to the end of the recording."""
    within_bytes: tuple[float, ...]
    """What left it (was touched, or cooled down) within 1 s, 10 s, 1 min, 10 min of being selected."""
    touched_bytes: float
    promotion_percent: float | None
    """The same as a rate: percent of the working set a minute."""
    quota: Quota | None = None

    @property
    def is_known(self) -> bool:
        """Whether the recording went on for as long as the age after it could tell of it, or a minute: to see what comes back."""
        return self.saved_bytes is not None and self.known_seconds * 1e6 >= min(self.age_us, ENOUGH_US)

    @property
    def effective_saving(self) -> float:
        """What is saved in the end, with its quota."""
        return (self.quota.saved_bytes if self.quota else self.saved_bytes) or 0.0

    @property
    def shown_saving(self) -> float:
        """What a person is told of it: the resident part where it is known."""
        return self.effective_saving if self.quota or self.resident_bytes is None else self.resident_bytes

    @property
    def effective_rate(self) -> float | None:
        """What it costs in the end, with its quota."""
        return self.quota.promotion_percent if self.quota else self.promotion_percent


@dataclass(frozen=True)
class Churn:
    """Bytes that one variant would have selected within a minute of another that does the opposite."""

    one: Variant
    other: Variant
    there_bytes: float
    """Selected by `other` soon after `one`."""
    back_bytes: float
    """And the other way round."""


@dataclass(frozen=True)
class OverTime:
    """Bytes in a variant's pattern at each of some times."""

    seconds: Column
    bytes: Column


@dataclass(frozen=True)
class Answer:
    """All variants, the best of each scheme, and what is to be known of the numbers."""

    run_id: int
    outcomes: Sequence[Outcome]
    working_set_bytes: float
    watched_bytes: float
    rss_bytes: float | None
    seconds: float
    objective_percent: float
    assumptions: Sequence[str]
    churn: Sequence[Churn] = ()
    over_time: Mapping[int, OverTime] = field(default_factory=dict)
    """By the number of the outcome."""

    def recommended(self, number: int | None = None) -> Outcome | None:
        """Of a scheme (or of the first) the variant that saves most and keeps the objective; None if none does.

        Of those that save the same within 1% it is the one with the lowest rate, and of those the first to act.
        """
        number = self.outcomes[0].variant.number if number is None else number
        mine = [one for one in self.outcomes if one.variant.number == number and one.is_known and one.shown_saving > 0]
        kept = [one for one in mine if one.effective_rate is not None and one.effective_rate <= self.objective_percent]
        if not kept:
            return None
        most = max(one.shown_saving for one in kept)
        near = [one for one in kept if one.shown_saving >= 0.99 * most]
        return min(near, key=lambda one: (round(one.effective_rate or 0, 3), one.age_us))

    @property
    def numbers(self) -> list[int]:
        """The schemes, by their place in the file."""
        return list(dict.fromkeys(one.variant.number for one in self.outcomes))


def is_hot(action: str) -> bool:
    """Whether an action is for memory that is used."""
    return action in GIVES


def as_row(answer: Answer, outcome: Outcome) -> dict[str, Any]:
    """A variant as flat columns, for tables and files."""
    scheme, quota = outcome.variant.scheme, outcome.quota
    names = ("within_1s_bytes", "within_10s_bytes", "within_1m_bytes", "within_10m_bytes")
    row: dict[str, Any] = {
        "scheme": scheme.name,
        "action": scheme.action,
        **{f"tried_{name.replace(' ', '_')}": value for name, value in outcome.variant.differs},
        "age_us": outcome.age_us,
        "known_seconds": round(outcome.known_seconds, 6),
        "saved_bytes": _whole(outcome.saved_bytes),
        "resident_bytes": _whole(outcome.resident_bytes),
        "selected_bytes": _whole(outcome.selected_bytes),
        "tried_bytes": _whole(outcome.tried_bytes),
        "stayed_us": _whole(outcome.stayed_us),
        **{name: _whole(value) for name, value in zip(names, outcome.within_bytes, strict=True)},
        "touched_bytes": _whole(outcome.touched_bytes),
        "promotion_percent": _rounded(outcome.promotion_percent),
    }
    if any(one.quota for one in answer.outcomes):
        row |= {
            "quota_bytes": quota and quota.size_bytes,
            "quota_interval_us": quota and quota.interval_us,
            "quota_saved_bytes": quota and _whole(quota.saved_bytes),
            "quota_let_through_bytes": quota and _whole(quota.let_through_bytes),
            "quota_done_us": quota and _whole(quota.done_us),
            "quota_waiting_bytes": quota and _whole(quota.waiting_bytes),
            "quota_touched_bytes": quota and _whole(quota.touched_bytes),
            "quota_promotion_percent": quota and _rounded(quota.promotion_percent),
        }
    return row | {"is_recommended": answer.recommended(outcome.variant.number) is outcome}


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
