"""damo's --damos_filter, --damos_quota_goal and --probe_filter, word by word, as damo's JSON has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from damopipe.damon.filters import FILTER_TYPES
from damopipe.damon.scheme import GOAL_METRICS
from damopipe.errors import UsageError
from damopipe.pipeline.values import one_of, shown

Tree = dict[str, Any]

_PERMITS = {"allow": True, "pass": True, "reject": False, "deny": False, "block": False}
_WORDS = {"memcg": 1, "addr": 2, "target": 1, "hugepage_size": 2, "probe_hits_wsum": 2}
"""How many words follow a type."""


def filters(words: Sequence[str], option: str = "--damos_filter") -> list[Tree]:
    """`allow|reject [none] TYPE …`, or before 2025 `TYPE matching|nomatching … [allow|reject]`; several may follow each other."""
    found, rest = [], list(words)
    while rest:
        made, used = (_new if rest[0] in _PERMITS else _old)(rest, option)
        found.append(made)
        rest = rest[used:]
    return found


def _new(words: Sequence[str], option: str) -> tuple[Tree, int]:
    at = 2 if words[1:2] in (["none"], ["non"]) else 1
    kind = _kind(words[at : at + 1], option)
    made = _about(kind, words[at + 1 :], option)
    return {"filter_type": kind, "matching": at == 1, "allow": _PERMITS[words[0]], **made}, at + 1 + _WORDS.get(kind, 0)


def _old(words: Sequence[str], option: str) -> tuple[Tree, int]:
    kind = _kind(words[:1], option)
    if words[1:2] not in (["matching"], ["nomatching"]):
        raise UsageError(f"{option}: {' '.join(words)!r} is no filter; write it like 'reject none anon'")
    made, used = _about(kind, words[2:], option), 2 + _WORDS.get(kind, 0)
    allow = _PERMITS.get(words[used]) if len(words) > used else None
    tree = {"filter_type": kind, "matching": words[1] == "matching", "allow": bool(allow), **made}
    return tree, used + (allow is not None)


def _kind(words: Sequence[str], option: str) -> str:
    if not words:
        raise UsageError(f"{option}: names no type; write it like 'reject none anon'")
    try:
        return one_of(words[0], (*FILTER_TYPES, "probe_hits_wsum"), "filter type")
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _about(kind: str, words: Sequence[str], option: str) -> Tree:
    count = _WORDS.get(kind, 0)
    if len(words) < count:
        raise UsageError(f"{option}: {kind} needs {count} word{'s' * (count > 1)} behind it, and has {len(words)}")
    if kind == "memcg":
        return {"memcg_path": words[0]}
    if kind == "addr":
        return {"address_range": {"start": words[0], "end": words[1]}}
    if kind == "target":
        return {"damon_target_idx": words[0]}
    return {"hugepage_size": list(words[:2])} if kind == "hugepage_size" else {}


def quota_goal(words: Sequence[str]) -> Tree:
    """`METRIC TARGET [complement] [CURRENT | NODE [MEMCG]]`."""
    if len(words) < 2:
        raise UsageError(f"--damos_quota_goal: {' '.join(words)!r} is no goal; write it like 'some_mem_psi_us 10ms'")
    try:
        metric = one_of(words[0], GOAL_METRICS, "goal metric")
    except ValueError as error:
        raise UsageError(f"--damos_quota_goal: {error}") from None
    rest = list(words[2:])
    tree: Tree = {"metric": metric, "target_value": words[1], "complement": rest[:1] == ["complement"]}
    rest = rest[1:] if tree["complement"] else rest
    names = GOAL_METRICS[metric] or (("current_value",) if metric == "user_input" else ())
    if len(rest) != len(names) and not (metric == "user_input" and not rest):
        needs = " and ".join(names) or "nothing"
        raise UsageError(f"--damos_quota_goal: {metric} takes {needs} behind its target, and has {' '.join(rest) or 'nothing'}")
    return tree | dict(zip(names, rest, strict=False))


def probe_filter(words: Sequence[str]) -> Tree:
    """`allow|reject [non] TYPE [PATH]`."""
    permit = _PERMITS.get(words[0])
    at = 2 if words[1:2] in (["non"], ["none"]) else 1
    if permit is None or len(words) <= at:
        raise UsageError(f"--probe_filter: {shown(' '.join(words))} is no filter; write it like 'allow anon'")
    path = words[at + 1] if len(words) > at + 1 else None
    return {"filter_type": words[at], "matching": at == 1, "allow": permit, "path": path}
