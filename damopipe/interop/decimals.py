"""The decimal numbers of a text, all at once: where they are, and what they are, eight digits a step.

Invariant: nothing is done for each number or line in Python; a number that has more than 64 bits is told, never wrapped.
Source of the arithmetic: the usual "SWAR" way of adding up neighbouring digits in one 64-bit word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

FRONT = 32
"""Bytes before the text, so that what lies before a number can be looked at."""
_BACK = 32
_STEPS = (
    (0x0F0F0F0F0F0F0F0F, (10 << 8) + 1, 8),
    (0x00FF00FF00FF00FF, (100 << 16) + 1, 16),
    (0x0000FFFF0000FFFF, (10_000 << 32) + 1, 32),
)
_LAST = np.array([0, *((2**64 - 1) << (64 - 8 * digits) & (2**64 - 1) for digits in range(1, 9))], np.uint64)
"""What of a word are its last n bytes, by n."""
_LARGEST = (1844, 6744073709551615)
"""2**64 - 1 as its first four and its last sixteen digits."""


class Decimals:
    """`bytes` is the text with `FRONT` bytes before it; number i is `bytes[starts[i]:ends[i]]`."""

    def __init__(self, text: bytes) -> None:
        padded = b"\n" * FRONT + text + b"\n" * _BACK
        self.bytes = np.frombuffer(padded, np.uint8)
        digit = self.bytes - np.uint8(48)
        inside = np.less(digit, 10, out=digit.view(bool))
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        self.starts, self.ends = edges[::2], edges[1::2]
        self._words = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
        self._halves = np.ndarray((len(padded) - 3,), "<u4", padded, strides=(1,))

    def places(self, four: bytes) -> Array:
        """Where these four bytes are."""
        return np.flatnonzero(self._halves == int.from_bytes(four, "little"))

    def words(self, at: Array) -> Array:
        """The eight bytes at each of these places, the first one lowest."""
        return np.asarray(self._words[at])

    def values(self, which: Array) -> tuple[Array, Array]:
        """Numbers `which` as uint64, and whether each has its true value."""
        ends = self.ends[which]
        digits = ends - self.starts[which]
        value, good = self._eight(ends, digits), digits <= 8
        if good.all():
            return value, good
        value += self._eight(ends - 8, digits - 8) * np.uint64(10**8)
        good = digits <= 16
        if not good.all():
            high = self._eight(ends - 16, digits - 16)
            fits = (high < _LARGEST[0]) | ((high == _LARGEST[0]) & (value <= _LARGEST[1]))
            good |= (digits <= 20) & fits
            value += high * np.uint64(10**16)
        return value, good

    def _eight(self, ends: Array, digits: Array) -> Array:
        """The value of the last eight digits of numbers that have so many."""
        found = self._words[np.maximum(ends - 8, 0)] & _LAST[np.clip(digits, 0, 8)]
        for mask, factor, shift in _STEPS:
            found &= np.uint64(mask)
            found *= np.uint64(factor)
            found >>= np.uint64(shift)
        return np.asarray(found)


def decimals(texts: Sequence[str]) -> Array | None:
    """Numbers of digits and commas, as uint64; None if any is something else, or larger."""
    text = "\n".join(texts).replace(",", "")
    breaks = len(texts) - 1
    if not text.isascii() or text.count("\n") != breaks:
        return None
    found = Decimals(text.encode())
    if len(found.starts) != len(texts) or int((found.ends - found.starts).sum()) + breaks != len(text):
        return None
    values, good = found.values(np.arange(len(texts)))
    return values if good.all() else None
