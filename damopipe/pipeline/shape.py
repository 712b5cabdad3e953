"""A TOML tree as a `Pipeline`, and what is wrong with its shape.

A tree with faults is validated again without the faulty keys: checks across keys then still have something to look at,
and every problem of a file comes out at once.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from damopipe.pipeline.keys import dotted
from damopipe.pipeline.messages import problems_of
from damopipe.pipeline.model import Pipeline

ROUNDS = 3
"""A tree that is still wrong without what was wrong so often is given up."""


@dataclass(frozen=True)
class Shape:
    """`pipeline` is what is left without the faulty keys, None if too little; `shifted` are lists that lost an item."""

    pipeline: Pipeline | None
    faults: tuple[tuple[str, str], ...] = ()
    shifted: tuple[str, ...] = ()


def validate(tree: dict[str, Any]) -> Shape:
    """A tree's shape: the pipeline, or the faults and what is left."""
    try:
        return Shape(Pipeline.model_validate(tree))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        left, shifted = _without([fault["loc"] for fault in faults], tree, ROUNDS)
        return Shape(left, tuple(problems_of(faults)), tuple(shifted))


def _without(places: Sequence[tuple[int | str, ...]], tree: dict[str, Any], rounds: int) -> tuple[Pipeline | None, list[str]]:
    rest, shifted = copy.deepcopy(tree), []
    for place in sorted(places, key=str, reverse=True):  # later items of a list first: the earlier keep their places
        shifted += _remove(rest, place)
    try:
        return Pipeline.model_validate(rest), shifted
    except ValidationError as error:
        if rounds == 1:
            return None, []
        left, more = _without([fault["loc"] for fault in error.errors(include_url=False)], rest, rounds - 1)
        return left, shifted + more


def _remove(tree: Any, place: Sequence[int | str]) -> list[str]:
    """Removes what stands at `place`, a key that is missing with its table; the list whose later items moved up."""
    node, parents = tree, []
    for part in place:
        parents.append((node, part))
        if not _has(node, part):
            parents.pop()
            break
        node = node[part]
    if not parents:
        return []
    holder, key = parents[-1]
    del holder[key]
    moved = isinstance(key, int) and key < len(holder)
    return [dotted(place[: len(parents) - 1])] if moved else []


def _has(node: Any, part: int | str) -> bool:
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)
