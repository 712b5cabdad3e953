"""[[check]]: SQL whose rows are violations.

A run without snapshots has nothing that a check could look at: that is a failure too, unless `on_empty = "pass"`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.pipeline.planned import PlannedCheck
    from damopipe.store import Store


@dataclass(frozen=True)
class Verdict:
    """pass, fail or empty; how many violations, and the first of them in words."""

    result: str
    violations: int | None = 0
    message: str | None = None


def judge(check: PlannedCheck, run_id: int, store: Store) -> Verdict:
    """Runs a check's SQL over one run."""
    if not store.query("SELECT 1 FROM snapshot LIMIT 1", run=run_id).rows:
        if check.on_empty == "pass":
            return Verdict("pass", 0, "nothing was recorded")
        return Verdict("empty", None, "there are no snapshots that it could look at")
    try:
        found = store.query(check.sql, run=run_id)
    except UsageError as error:
        return Verdict("fail", None, str(error))
    if not found.rows:
        return Verdict("pass")
    return Verdict("fail", len(found.rows), _violation(found.columns, found.rows))


def _violation(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    first = ", ".join(f"{name} = {value}" for name, value in zip(columns, rows[0], strict=True))
    count = "1 violation" if len(rows) == 1 else f"{len(rows):,} violations, the first"
    return f"{count}: {first}"
