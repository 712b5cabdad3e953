"""The recommendation in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from damopipe import units
from damopipe.whatif.outcome import is_hot

if TYPE_CHECKING:
    from damopipe.whatif.outcome import Answer


def said(answer: Answer) -> list[str]:
    """The recommendation of each scheme, in words."""
    return [_recommended(answer, number) for number in answer.numbers]


def _recommended(answer: Answer, number: int) -> str:
    best = answer.recommended(number)
    mine = [one for one in answer.outcomes if one.variant.number == number]
    name = mine[0].variant.scheme.name
    objective = f"{answer.objective_percent:g}%/min"
    if best is None:
        if not any(one.selected_bytes for one in mine):
            return f"{name}: no variant selects anything"
        if not any(one.is_known for one in mine if one.selected_bytes):
            return f"{name}: the recording is too short to recommend an age; record for twice as long as the age"
        rates = [one for one in mine if one.is_known and one.effective_rate is not None and one.shown_saving > 0]
        if not rates:
            return f"{name}: nothing that is selected was resident, so there is nothing to save"
        least = min(rates, key=lambda one: one.effective_rate or 0)
        return f"{name}: no variant keeps {objective}; the nearest is {least.variant.label} with {least.effective_rate:.3g}%/min"
    verb = "keeps" if is_hot(best.variant.scheme.action) else "saves"
    what = f"{best.variant.label}, which {verb} {units.approx_bytes(best.shown_saving)} at {best.effective_rate:.3g}%/min"
    return f"{name}: recommended is {what} (objective {objective})"
