"""Where the items of ring-buffer pages lie: events, padding, time extends and time stamps.

Every page is walked at the same time, and each step takes a run of equally long events, so that the Python loop
turns once a run of the page that has most, not once an event. It always advances, so it always ends.
Kernel document: include/linux/ring_buffer.h, "enum ring_buffer_type".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

DATA_MAX = 28
PADDING = 29
EXTEND = 30
STAMP = 31

_WORDS = np.array([0, *range(2, DATA_MAX + 2), 0, 2, 2])
"""How many words an item has by its type; 0 where its second word says so."""


@dataclass(frozen=True)
class Items:
    """All items, in order: page (counted within the block), first word, header, type, and size in words."""

    page: Array
    at: Array
    head: Array
    kind: Array
    step: Array


def walk(words: Array, begins: Array, ends: Array, wrong: Callable[[int, str], None]) -> Items:
    """The items of pages whose data lie in `words[begins[i]:ends[i]]`; calls `wrong` (which raises) with a word."""
    page = np.flatnonzero(begins < ends)
    at = begins[page]
    runs: list[tuple[Array, Array, Array, Array]] = []
    while len(page):
        kind = words[at] & np.uint32(31)
        left = ends[page] - at
        step = _steps(words, at, kind, left, wrong)
        count = _run_lengths(words, at, kind, step, left)
        runs.append((page, at, step, count))
        at = at + step * count
        going = np.flatnonzero(at < ends[page])
        page, at = page[going], at[going]
    return _expand(words, runs)


def _steps(words: Array, at: Array, kind: Array, left: Array, wrong: Callable[[int, str], None]) -> Array:
    """How many words each item has, at least one."""
    step = _WORDS[kind]
    open_ended = np.flatnonzero(step == 0)
    if len(open_ended):
        here = at[open_ended]
        ends_page = (kind[open_ended] == PADDING) & (words[here] >> np.uint32(5) == 0)
        # The last word of a page has none after it: then it does not fit, whatever is read in its place.
        size = words[np.minimum(here + 1, len(words) - 1)].astype(np.int64)
        odd = np.flatnonzero(~ends_page & ((size < 4) | (size % 4 != 0)))
        if len(odd):
            wrong(int(here[odd[0]]), f"an item of {int(size[odd[0]])} bytes")
        step[open_ended] = np.where(ends_page, left[open_ended], 1 + size // 4)
    over = np.flatnonzero(step > left)
    if len(over):
        first = over[0]
        wrong(int(at[first]), f"an item of {int(step[first]) * 4} bytes where {int(left[first]) * 4} are left")
    return step


def _run_lengths(words: Array, at: Array, kind: Array, step: Array, left: Array) -> Array:
    """How many items of the same type follow each other, if its type says its size; else 1."""
    fits = np.where((kind > 0) & (kind <= DATA_MAX), left // step, 1)
    longest = int(fits.max())
    if longest == 1:
        return fits
    ahead = np.arange(longest + 1)
    # Where one more would not fit, a look at the page's own first item is as good as any: `fits` cuts it off.
    places = at[:, None] + np.where(ahead < fits[:, None], ahead, 0) * step[:, None]
    same = (words[places] & np.uint32(31)) == kind[:, None]
    same &= ahead < fits[:, None]
    return np.asarray(np.argmin(same, axis=1))


def _expand(words: Array, runs: list[tuple[Array, Array, Array, Array]]) -> Items:
    """The items of all runs, by page and then by place."""
    if not runs:
        none = np.empty(0, np.int64)
        return Items(none, none, none.astype(np.uint32), none.astype(np.uint32), none)
    page, at, step, count = (np.concatenate(column) for column in zip(*runs, strict=True))
    order = np.argsort(page, kind="stable")
    page, at, step, count = page[order], at[order], step[order], count[order]
    steps = np.repeat(step, count)
    within = np.arange(len(steps)) - np.repeat(np.cumsum(count) - count, count)
    places = np.repeat(at, count) + within * steps
    head = words[places]
    return Items(np.repeat(page, count), places, head, head & np.uint32(31), steps)
