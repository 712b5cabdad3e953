"""What `run` says of a run that cannot be trusted as it is; the view `run_health` finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from damopipe.store import Store

_QUERY = """
SELECT h.name, h.value, h.unit, h.advice, t.name, (SELECT count(*) FROM target WHERE run_id = $run)
FROM run_health AS h JOIN target AS t USING (run_id, target_id) WHERE h.run_id = $run AND NOT h.is_fine
"""

# One reason is enough: what says why a heat map is dark, the most telling first.
_DARK = ("snapshots at the fewest regions, without an access", "snapshots without an access", "memory without an access")


def complaints(store: Store, run_id: int) -> tuple[str, ...]:
    """A line a check that is not fine: what, how much, what to do; the target's name where there are several."""
    found = store.query(_QUERY, {"run": run_id}).rows
    failed = {(target, name) for name, *_, target, _ in found}
    return tuple(
        f"{name}{f' of {target}' if targets > 1 and not name.startswith('CPU') else ''}: {_amount(value, unit)}; {advice}"
        for name, value, unit, advice, target, targets in found
        if not (name in _DARK and any((target, other) in failed for other in _DARK[: _DARK.index(name)]))
    )


def _amount(value: float, unit: str) -> str:
    return f"{value:g}%" if unit == "%" else f"{value:,.0f} {unit}"
