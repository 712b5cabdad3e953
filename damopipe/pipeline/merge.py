"""A file's keys laid over the document of what runs: what the file names wins, everything else stays.

Trees are TOML's, with every ${name} replaced. Nothing is checked here but what matching needs; the merged tree goes
through the usual checks, whose keys `Merged.place` turns back into those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomli

from damopipe import units
from damopipe.damon.attrs import Intervals
from damopipe.pipeline.params import substitute
from damopipe.pipeline.planned import Plan
from damopipe.pipeline.semantics_target import WAYS

Tree = dict[str, Any]

_OF_A_CONTEXT = ("target", "monitoring", "scheme")
_KEPT = ("version", "name", "description", *_OF_A_CONTEXT, "context", "guard")
"""What stays on; records, outputs and checks are of a run."""
_INSTEAD = {"target_nid": "dests", "dests": "target_nid"}
"""Two ways to say the same: naming one takes the place of the other."""
_ELSEWHERE = "tune changes schemes and monitoring only; end it with damopipe stop, then start the file"
_ITEM = re.compile(r"^(?:context\[\d+\]\.)?(?:scheme|target)\[\d+\]")


def document(plan: Plan) -> Tree:
    """What a plan's file says of what stays on, with the intervals that it left to defaults."""
    tree = tomli.loads(plan.text.removeprefix("\ufeff"))
    substitute(tree, plan.params)
    kept = staying(tree)
    for table, planned in zip(kept.get("context", [kept]), plan.contexts, strict=True):
        table["monitoring"] = _intervals(planned.attrs.intervals) | table.get("monitoring", {})
    return kept


def staying(tree: Mapping[str, Any]) -> Tree:
    """What of a file's tables is about what stays on."""
    return {key: tree[key] for key in _KEPT if key in tree}


def _intervals(intervals: Intervals) -> Tree:
    named = {"sample": intervals.sample_us, "aggregation": intervals.aggr_us, "update": intervals.update_us}
    return {name: units.format_time_us(us) for name, us in named.items()}


@dataclass
class Merged:
    """The merged tree, in the form (one context or several) that the file has, and what could not be matched."""

    tree: Tree
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Of the file: dotted key, message."""
    origins: dict[str, str] | None = None
    """Each scheme and target of the file: its key in the tree, and in the file; None where the tree is the file's own."""

    def place(self, key: str) -> str | None:
        """A key of the merged tree as the file has it; None in a scheme or target that the file does not name."""
        item = _ITEM.match(key)
        if item is None or self.origins is None:
            return key
        origin = self.origins.get(item[0])
        return None if origin is None else origin + key[item.end() :]


def merge(running: Mapping[str, Any], file: Mapping[str, Any]) -> Merged:
    """The running document with the keys that `file` names. Malformed tables are taken as they are, for others to judge."""
    merged = Merged({}, [], {})
    base = _in_form_of(file, running, merged)
    if base is None:
        return merged
    merged.tree = {**base, **{key: value for key, value in file.items() if key not in (*_OF_A_CONTEXT, "context")}}
    _same_name(running, file, merged)
    contexts = file.get("context")
    if contexts is None:
        merged.tree |= _context(base, file, "", merged)
    elif _are_tables(contexts):
        merged.tree["context"] = _contexts(base["context"], contexts, merged)
        merged.tree |= {key: file[key] for key in _OF_A_CONTEXT if key in file}
    else:
        merged.tree["context"] = contexts
    return merged


def _in_form_of(file: Mapping[str, Any], running: Mapping[str, Any], merged: Merged) -> Tree | None:
    """The running document with its contexts written as the file writes them."""
    rest = {key: value for key, value in running.items() if key not in (*_OF_A_CONTEXT, "context")}
    contexts = running.get("context", [{key: running[key] for key in _OF_A_CONTEXT if key in running}])
    if "context" in file or (len(contexts) > 1 and not any(key in file for key in _OF_A_CONTEXT)):
        return {**rest, "context": contexts}
    if len(contexts) == 1:
        return {**rest, **contexts[0]}
    key = next(key for key in _OF_A_CONTEXT if key in file)
    merged.problems.append((key, f"what runs has {len(contexts)} contexts; write [[context]] tables, in their order"))
    return None


def _same_name(running: Mapping[str, Any], file: Mapping[str, Any], merged: Merged) -> None:
    if isinstance(file.get("name"), str) and file["name"] != running["name"]:
        text = f"is {file['name']!r}, but what runs is {running['name']!r}; tune it with its own file, or leave the name out"
        merged.problems.append(("name", text))


def _contexts(base: list[Tree], file: list[Tree], merged: Merged) -> list[Tree]:
    """By place; a context beyond what runs would be another kdamond."""
    if len(file) > len(base):
        merged.problems.append((f"context[{len(base)}]", f"is one more than run; {_ELSEWHERE}"))
    pairs = zip(base, file, strict=False)
    changed = [{**one, **over, **_context(one, over, f"context[{n}].", merged)} for n, (one, over) in enumerate(pairs)]
    return [*changed, *base[len(file) :]]


def _context(base: Mapping[str, Any], file: Mapping[str, Any], prefix: str, merged: Merged) -> Tree:
    """The target, monitoring and scheme of one context."""
    tree = {key: base[key] for key in _OF_A_CONTEXT if key in base}
    if "monitoring" in file:
        tree["monitoring"] = _over(base.get("monitoring", {}), file["monitoring"])
    if "target" in file:
        tree["target"] = _targets(base.get("target", []), file["target"], prefix, merged)
    if "scheme" in file:
        tree["scheme"] = _schemes(base.get("scheme", []), file["scheme"], prefix, merged)
    return tree


def _targets(base: list[Tree], file: Any, prefix: str, merged: Merged) -> Any:
    if not _are_tables(file):
        return file
    targets = [*base]
    for place, over in enumerate(file):
        key = f"{prefix}target[{place}]"
        if place >= len(base) or any(way in over and way not in base[place] for way in WAYS):
            merged.problems.append((key, f"is not what is watched; {_ELSEWHERE}"))
            continue
        targets[place] = _over(base[place], over)
        _note_origin(merged, key, key)
    return targets


def _schemes(base: list[Tree], file: Any, prefix: str, merged: Merged) -> Any:
    """By name, else by place where neither has one; what is not found is added."""
    if not _are_tables(file):
        return file
    schemes, taken = [*base], set[int]()
    for number, over in enumerate(file):
        key = f"{prefix}scheme[{number}]"
        place = _place_of(over, number, base)
        if place is None:
            schemes.append(over)
            place = len(schemes) - 1
        elif place in taken:
            merged.problems.append((key, f"is the same running scheme as another in this file ({_called(base[place], place)})"))
            continue
        elif over.get("name") is None and base[place].get("name") is not None:
            name = base[place]["name"]
            merged.problems.append((f"{key}.name", f"is missing, and the one that runs in its place is {name!r}; name it"))
            continue
        else:
            schemes[place] = _scheme(base[place], over)
        taken.add(place)
        _note_origin(merged, f"{prefix}scheme[{place}]", key)
    return schemes


def _place_of(over: Mapping[str, Any], number: int, base: list[Tree]) -> int | None:
    if over.get("name") is None:
        return number if number < len(base) else None
    named = (place for place, one in enumerate(base) if _called(one, place) == over["name"])
    return next(named, None)


def _called(scheme: Mapping[str, Any], place: int) -> str:
    """As `pipeline.plan_scheme` calls it."""
    return str(scheme.get("name") or f"{scheme.get('action')}-{place}")


def _scheme(base: Mapping[str, Any], over: Mapping[str, Any]) -> Any:
    replaced = {_INSTEAD[key] for key in over if key in _INSTEAD}
    kept = {key: value for key, value in base.items() if key not in replaced}
    # What it is called without a name finds it, but does not name it.
    return _over(kept, over if "name" in base else {key: value for key, value in over.items() if key != "name"})


def _over(base: Any, over: Any) -> Any:
    """Tables key by key; everything else, lists too, as a whole."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    return dict(_pairs(base, over))


def _pairs(base: Mapping[str, Any], over: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((key, value) for key, value in base.items() if key not in over)
    yield from ((key, _over(base[key], value) if key in base else value) for key, value in over.items())


def _note_origin(merged: Merged, key: str, origin: str) -> None:
    if merged.origins is not None:
        merged.origins[key] = origin


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
