"""The --damos_ options of a damo command line as the schemes of damo's JSON.

damo gives the nth value of an option to the nth scheme, wherever it stands; filters and goals are dealt out by
--damos_scheme markers or --damos_nr_filters and --damos_nr_quota_goals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from damopipe.damon.actions import ACTIONS
from damopipe.errors import UsageError
from damopipe.interop.specs.node import Placed
from damopipe.interop.specs.option_filters import filters, quota_goal
from damopipe.interop.specs.options import Given, integer
from damopipe.pipeline.values import one_of

Tree = dict[str, Any]

_PER_SCHEME = (
    "damos_sz_region", "damos_access_rate", "damos_age", "damos_apply_interval", "damos_quotas", "damos_quota_interval",
    "damos_wmarks", "damos_max_nr_snapshots", "damos_quota_goal_tuner", "damos_quota_fail_charge_ratio",
)  # fmt: skip


def schemes_of(given: Given) -> list[Tree]:
    """Every scheme, in order. Raises UsageError naming the option."""
    count = len(given.all("damos_action"))
    _refuse_what_is_too_much(given, count)
    goals = _dealt(given, "damos_quota_goal", "damos_nr_quota_goals", count)
    all_filters = _dealt(given, "damos_filter", "damos_nr_filters", count)
    return [_scheme(given, number, goals[number], all_filters[number]) for number in range(count)]


def misplaced(given: Given) -> Iterator[tuple[int, str]]:
    """Each option that damo gives to another scheme than the one it stands behind: that scheme, and a note."""
    counts: dict[str, int] = {}
    for name, _ in given.seen:
        place = counts[name] = counts.get(name, -1) + 1
        behind = counts.get("damos_scheme" if "damos_scheme" in given else "damos_action", -1)
        if name in _PER_SCHEME and behind > place:
            yield (
                place,
                f"damo takes --{name} for this scheme, as its {ordinal(place)}, though it stands behind the {ordinal(behind)}",
            )


def ordinal(number: int) -> str:
    """A place, counted from 0, in words."""
    return ("first", "second", "third", "fourth", "fifth")[number] if number < 5 else f"{number + 1}th"


def _refuse_what_is_too_much(given: Given, count: int) -> None:
    if not count and any(name.startswith("damos_") and name != "damos_scheme" for name, _ in given.seen):
        raise UsageError("has options of schemes but no --damos_action, so no scheme")
    for name in _PER_SCHEME:
        if len(given.all(name)) > count:
            raise UsageError(f"--{name} is there {len(given.all(name))} times, for {count} scheme{'s' * (count != 1)}")
    if "damos_quotas" in given and "damos_quota_interval" in given:
        raise UsageError("--damos_quotas and --damos_quota_interval say the same; leave one out")


def _dealt(given: Given, name: str, counts: str, schemes: int) -> list[list[list[str]]]:
    """The values of a repeatable option, for each scheme."""
    found = given.all(name)
    dealt = _by_markers(given, name) if "damos_scheme" in given else given.counts(counts)
    if dealt is None and schemes > 1 and found:
        raise UsageError(f"--{name}: whose is it? damo wants --damos_scheme before each scheme's options, or --{counts}")
    dealt = [len(found)] if dealt is None else dealt
    if sum(dealt) != len(found) or len(dealt) > max(schemes, 1):
        raise UsageError(f"--{counts} does not come out: {len(found)} of --{name} for {schemes} schemes")
    starts = [sum(dealt[:number]) for number in range(len(dealt) + 1)]
    each = [found[starts[number] : starts[number + 1]] for number in range(len(dealt))]
    return each + [[]] * (schemes - len(each))


def _by_markers(given: Given, name: str) -> list[int]:
    counts: list[int] = []
    for one, _ in given.seen:
        if one == "damos_scheme":
            counts.append(0)
        elif one == name:
            if not counts:
                raise UsageError(f"--{name} stands before the first --damos_scheme")
            counts[-1] += 1
    return counts


def _scheme(given: Given, number: int, goals: Sequence[list[str]], words: Sequence[list[str]]) -> Tree:
    tree = _action(given.all("damos_action")[number])
    pattern = {
        key: Placed({"min": pair[0], "max": pair[1]}, f"--{name}")
        for key, name in (("sz_bytes", "damos_sz_region"), ("nr_accesses", "damos_access_rate"), ("age", "damos_age"))
        if (pair := given.nth(name, number))
    }
    tree["access_pattern"] = pattern
    for key, name in (("apply_interval_us", "damos_apply_interval"), ("max_nr_snapshots", "damos_max_nr_snapshots")):
        if (text := given.first(name, number)) is not None:
            tree[key] = Placed(text, f"--{name}")
    if marks := given.nth("damos_wmarks", number):
        keys = ("metric", "interval_us", "high_permil", "mid_permil", "low_permil")
        tree["watermarks"] = Placed(
            {key: Placed(m, "--damos_wmarks") for key, m in zip(keys, marks, strict=True)}, "--damos_wmarks"
        )
    tree["quotas"] = _quotas(given, number, goals)
    tree["filters"] = [Placed(made, "--damos_filter") for one in words for made in filters(one)]
    return tree


def _action(words: Sequence[str]) -> Tree:
    """`ACTION`, `migrate_… NODE` or `migrate_… NODE WEIGHT NODE WEIGHT …`."""
    name, rest = words[0], words[1:]
    try:
        one_of(name, ACTIONS, "action")
    except ValueError as error:
        raise UsageError(f"--damos_action: {error}") from None
    migrates = ACTIONS[name].migrates
    if (rest and not migrates) or (migrates and len(rest) != 1 and (not rest or len(rest) % 2)):
        takes = "a node, or nodes and weights" if migrates else "nothing"
        raise UsageError(f"--damos_action: {name} takes {takes} behind it, and has {' '.join(rest) or 'nothing'}")
    numbers = [integer("--damos_action", word) for word in rest]
    if len(numbers) > 1:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return {"action": name, "dests": [{"id": node, "weight": weight} for node, weight in pairs]}
    return {"action": name, "target_nid": numbers[0] if numbers else None}


def _quotas(given: Given, number: int, goals: Sequence[list[str]]) -> Tree:
    """What damo takes for what is left out differs between its two ways to give a quota."""
    tree: Tree = {"goals": [Placed(quota_goal(one), "--damos_quota_goal") for one in goals]}
    words = given.nth("damos_quotas", number)
    if words is not None:
        if len(words) > 6:
            raise UsageError(f"--damos_quotas: has {len(words)} values; it has at most 6")
        tree |= _quota([*words, *("0", "0", "max", "0", "0", "0")[len(words) :]], "--damos_quotas")
    elif (interval := given.first("damos_quota_interval", number)) is not None:
        time, space = (given.first(f"damos_quota_{name}", number) or "0" for name in ("time", "space"))
        weights = given.nth("damos_quota_weights", number) or ["1", "1", "1"]
        tree |= _quota([time, space, interval, *weights], "--damos_quota_…")
    elif goals:
        raise UsageError("--damos_quota_goal tunes a quota; damo wants --damos_quota_interval with it")
    if tuner := given.first("damos_quota_goal_tuner", number):
        tree["goal_tuner"] = Placed(tuner, "--damos_quota_goal_tuner")
    if ratio := given.nth("damos_quota_fail_charge_ratio", number):
        keys = ("fail_charge_num", "fail_charge_denom")
        tree |= {key: Placed(one, "--damos_quota_fail_charge_ratio") for key, one in zip(keys, ratio, strict=True)}
    return tree


def _quota(words: Sequence[str], option: str) -> Tree:
    time, size, reset, *weights = (Placed(word, option) for word in words)
    keys = ("sz_permil", "nr_accesses_permil", "age_permil")
    return {"time_ms": time, "sz_bytes": size, "reset_interval_ms": reset, "weights": dict(zip(keys, weights, strict=True))}
