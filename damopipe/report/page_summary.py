"""The first lines of a report, for who has a minute: what was watched, what was found, whether it can be trusted.

Pure: rows in, sentences and figures out; the template escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from damopipe import units

Row = dict[str, Any]

NAMES = 3


@dataclass(frozen=True)
class Figure:
    """A large number: what it is, the number, and what it means."""

    label: str
    value: str
    about: str = ""


@dataclass(frozen=True)
class Remark:
    """Something that a reader should know: a recording that needs care, a check that failed."""

    what: str
    advice: str
    is_fine: bool = False


def sentence(run: Row, targets: list[Row], seconds: float) -> str:
    """What was watched, for how long, where and how."""
    lasted = units.approx_time(seconds)
    where = " ".join(filter(None, [run["host"], f"(Linux {run['kernel']}, {run['machine']})" if run["kernel"] else ""]))
    place = f" on {where}" if where else ""
    snapshots = sum(row["snapshots"] or 0 for row in targets)
    how = f"by the {run['backend']} backend" + (f" in {snapshots:,} snapshots" if snapshots else "")
    return f"Watched {_names(targets)} for {lasted}{place}, {how}."


def _names(targets: list[Row]) -> str:
    if not targets:
        return "the whole machine"
    shown = [str(row["name"]) for row in targets[:NAMES]]
    more = len(targets) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def figures(targets: list[Row], cold: Row | None, stat: Row | None) -> list[Figure]:
    """The numbers that are asked for first; none of what was not seen. With several targets those of the largest."""
    main = largest(targets)
    made = [] if main is None else _of_target(main, len(targets) > 1)
    made += [] if cold is None else [_cold(cold)]
    return made + ([] if stat is None else _of_machine(stat))


def largest(targets: list[Row]) -> Row | None:
    """The target with the largest working set, of those that have one."""
    return max((row for row in targets if row["max_bytes"] is not None), key=lambda row: row["p95_bytes"], default=None)


def _of_target(main: Row, is_one_of_many: bool) -> list[Figure]:
    of = f" of {main['name']}" if is_one_of_many else ""
    made = [
        Figure(f"working set{of}, mostly", units.approx_bytes(main["p50_bytes"]), "half of the snapshots had no more (p50)"),
        Figure("95 % of the time at most", units.approx_bytes(main["p95_bytes"]), "p95 of the snapshots"),
        Figure("at most", units.approx_bytes(main["max_bytes"]), "the largest of all snapshots"),
    ]
    if main["watched_bytes"]:
        made.append(Figure("memory watched", units.approx_bytes(main["watched_bytes"]), _of_watched(main)))
    return made


def _of_machine(stat: Row) -> list[Figure]:
    """What DAMON_STAT says: of all memory, not of a target."""
    made = []
    if stat["in_use_percent"] is not None:
        made.append(Figure("memory in use", f"{stat['in_use_percent']:.2g} %", "accessed in the newest aggregation, on average"))
    if stat["half_idle_s"] is not None:
        made.append(Figure("half of memory", _idle(stat["half_idle_s"]), "idle for no longer than that"))
        made.append(Figure("95 % of memory", _idle(stat["most_idle_s"]), "idle for no longer than that"))
    if stat["bandwidth_bytes_per_s"] is not None:
        made.append(Figure("bandwidth", f"{units.approx_bytes(stat['bandwidth_bytes_per_s'])}/s", "estimated from accesses"))
    return made


def _idle(seconds: float) -> str:
    return units.approx_time(seconds) if seconds > 0 else "in use"


def _of_watched(main: Row) -> str:
    resident = f"; resident at most {units.approx_bytes(main['rss_bytes'])}" if main["rss_bytes"] else ""
    return f"the working set is {main['p50_bytes'] / main['watched_bytes'] * 100:.2g} % of it{resident}"


def _cold(cold: Row) -> Figure:
    lasted = units.approx_time(cold["idle_us"] / 1e6)
    size = units.approx_bytes(cold["cold_bytes"])
    return Figure("cold", f"{cold['cold_percent']:.3g} %", f"{size} on average had not been accessed for {lasted} or longer")


def remarks(health: list[Row], checks: list[Row], run: Row) -> list[Remark]:
    """What is not as it should be: how the run ended, checks, health."""
    made = []
    if run["status"] not in ("complete", "stopped"):
        made.append(Remark(f"The run is {run['status']}", run["end_reason"] or "What follows is what was recorded until then."))
    made += [Remark(f"Check {row['name']}: {row['result']}", row["message"] or "") for row in checks if row["result"] != "pass"]
    several = len({row["target"] for row in health}) > 1
    for row in health:
        if not row["is_fine"]:
            of = f" of {row['target']}" if several else ""
            made.append(Remark(f"{row['what']}{of}: {_found(row)}", _sentence(row["advice"] or "")))
    return made


def _found(row: Row) -> str:
    return f"{row['value']:,.3g} {row['unit']}"


def effects(schemes: list[Row]) -> list[str]:
    """A sentence a scheme."""
    return [_effect(row) for row in schemes]


def _effect(row: Row) -> str:
    if not row["tried_bytes"]:
        return f"{row['name']} ({row['action']}) found nothing to act on."
    did = f"{row['name']} ({row['action']}) tried {units.approx_bytes(row['tried_bytes'])}"
    did += f" and was applied to {units.approx_bytes(row['applied_bytes'] or 0)}."
    if row["rss_first_bytes"] and row["rss_last_bytes"]:
        first, last = (units.approx_bytes(row[f"rss_{when}_bytes"]) for when in ("first", "last"))
        did += f" Resident memory went from {first} to {last} meanwhile."
    return did


def _sentence(advice: str) -> str:
    return f"{advice[:1].upper()}{advice[1:].rstrip('.')}." if advice else ""
