"""The options of damo's command line: how many values each takes, and what was given, in order.

damo 3.4.3, and those of older ones that still stand in scripts; damo parses with the same library, so that abbreviations,
`--name=value` and values that look like targets come out the same.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from damopipe.errors import UsageError
from damopipe.pipeline.values import shown

MARKERS = ("kdamond", "damon_ctx", "damon_target", "damos_scheme", "probe")
_FLAGS = (
    *MARKERS, "monitoring_intervals_autotune", "include_child_tasks", "exclude_child_tasks", "debug_damon",
    "quota_goals_only", "schemes_target_regions", "raw", "omit_defaults",
)  # fmt: skip
_ONE = (
    "ops", "target_pid", "damos_apply_interval", "damos_quota_interval", "damos_quota_time", "damos_quota_space",
    "damos_quota_goal_tuner", "damos_max_nr_snapshots", "refresh_stat", "damon_addr_unit", "probe_prep", "kdamonds", "timeout",
    "exp_ops_use_reports", "exp_ops_write_only", "exp_ops_cpus", "exp_ops_tids", "output_type", "output_permission",
    "output_flush_sec", "perf_path", "damon_tracer", "damon_interface", "damon_interface_DEPRECATED", "report_type", "delay",
    "count", "format",
)  # fmt: skip
_SHORT = {
    "sample": "-s", "aggr": "-a", "updr": "-u", "minr": "-n", "maxr": "-m", "regions": "-r", "schemes": "-c", "out": "-o",
    "rbuf": "-l",
}  # fmt: skip
_TWO = (
    "damos_sz_region", "damos_access_rate", "damos_age", "damos_quota_fail_charge_ratio", "monitoring_nr_regions_range",
    "snapshot", "sz_region", "access_rate", "age", "address", "sz_snapshot", "snapshot_time", "snapshot_idx", "temperature",
)  # fmt: skip
_SOME = (
    "numa_node", "nr_targets", "nr_schemes", "nr_ctxs", "nr_probes", "nr_probe_filters", "nr_probe_preps", "obsolete_targets",
    "pause_ctx", "damos_action", "damos_quotas", "damos_quota_goal", "damos_nr_quota_goals", "damos_filter", "damos_nr_filters",
    "probe_filter", "probe_weight", "do_record", "snapshot_damos_filter", "sample_primitives",
)  # fmt: skip
_NUMBERS: dict[str, int | str] = (
    dict.fromkeys(_FLAGS, 0)
    | dict.fromkeys((*_ONE, *_SHORT), 1)
    | dict.fromkeys(_TWO, 2)
    | {"monitoring_intervals": 3, "damos_quota_weights": 3, "monitoring_intervals_goal": 4, "damos_wmarks": 5}
    | dict.fromkeys(_SOME, "+")
)
NAMES = tuple(_NUMBERS)
"""Every option, without its dashes."""


class Given:
    """What was given."""

    def __init__(self, seen: Sequence[tuple[str, list[str]]], target: str | None) -> None:
        self.seen, self.target = seen, target

    def __contains__(self, name: str) -> bool:
        return any(one == name for one, _ in self.seen)

    def all(self, name: str) -> list[list[str]]:
        """The values of an option, each time it was given."""
        return [values for one, values in self.seen if one == name]

    def nth(self, name: str, number: int) -> list[str] | None:
        """The values of its nth time, which damo gives to the nth context, target or scheme; None if there is none."""
        found = self.all(name)
        return found[number] if number < len(found) else None

    def first(self, name: str, number: int = 0) -> str | None:
        """The first of these values."""
        found = self.nth(name, number)
        return found[0] if found else None

    def counts(self, name: str) -> list[int] | None:
        """The numbers of a --nr_… option, as given the last time."""
        found = self.all(name)
        return [integer(f"--{name}", one) for one in found[-1]] if found else None


def integer(option: str, text: str) -> int:
    """A whole number. Raises UsageError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise UsageError(f"{option}: {shown(text)} is not a number")
    return int(text)


def parse(words: Sequence[str]) -> Given:
    """The options and the target of the words behind damo's sub-command. Raises UsageError."""
    parser = _Parser(add_help=False, prog="damo")
    for name, number in _NUMBERS.items():
        parser.add_argument(f"--{name}", *filter(None, [_SHORT.get(name)]), action=_Seen, nargs=number, dest=name)
    parser.add_argument("target", nargs="?")
    found, others = parser.parse_known_args(list(words), argparse.Namespace(seen=[]))
    for word in others:
        raise UsageError(_unknown(word))
    return Given(found.seen, found.target)


def _unknown(word: str) -> str:
    if not word.startswith("-"):
        return f"{shown(word)} is one word too many; damo takes one target, in quotes if it is a command with arguments"
    near = difflib.get_close_matches(word.partition("=")[0].lstrip("-"), _NUMBERS, 1)
    hint = f"; did you mean --{near[0]}?" if near else ""
    return f"{shown(word)} is no option of damo{hint}"


class _Seen(argparse.Action):
    """Keeps what is given in order."""

    def __call__(self, _: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        namespace.seen.append((self.dest, [*values]))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "))
