"""The table of features as Markdown; docs/kernels.md is made of it.

It says what `kernel.feature_table` says, and nothing of its own.
"""

from __future__ import annotations

from damopipe.kernel.feature_table import ROWS, Feature

_COMMIT = "https://git.kernel.org/torvalds/c/"


def reference() -> str:
    """A row a feature, oldest first."""
    head = "| feature | since | good for | seen by reading |\n|---|---|---|---|"
    return "\n".join([head, *map(_row, ROWS), ""])


def _row(row: Feature) -> str:
    since = f"[{row.since}]({_COMMIT}{row.commit})" if row.commit else row.since
    return f"| `{row.name}` | {since} | {row.what} | {_seen(row)} |"


def _seen(row: Feature) -> str:
    """Where it shows itself; what has no place of its own is known by the version."""
    if row.kind == "operations":
        return "`avail_operations`, symbols"
    if row.module:
        return f"`/sys/module/{row.module}`"
    if row.event:
        return f"`events/damon/{row.event}`, symbol"
    places = [f"`{row.path}`" if row.path else "", "symbol" if row.symbols else ""]
    return ", ".join(filter(None, places)) or "the kernel's version"
