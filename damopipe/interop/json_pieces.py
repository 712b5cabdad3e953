"""JSON in pieces: the outer arrays and objects are walked, what lies in them is parsed one value at a time.

A recording of an hour is gigabytes as one JSON value; a snapshot of it is some kilobytes. The values themselves are the
standard library's to parse, or several at once those of a faster parser, which has to be as strict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from damopipe.errors import DamagedError

LARGEST = 1 << 25
"""Characters of one value: a snapshot of 60,000 regions has as many. What the worst of them becomes takes 700 MB."""
FETCHED = 1 << 20
"""Characters that are fetched at once, at least, where a value goes on."""
_LONGEST_WORD = 16
_SPACE = re.compile(r"[ \t\r\n]*")
_BEGINNING = re.compile(r'\{[ \t\r\n]*"[^"\\]{1,99}"[ \t\r\n]*:')
_DECODER = json.JSONDecoder()

T = TypeVar("T")


class Pieces:
    """A JSON text that comes as strings. Raises DamagedError at what is no JSON, with the place in characters."""

    def __init__(self, parts: Iterator[str], label: str) -> None:
        self._parts, self._label = parts, label
        self._text, self._at, self._before = "", 0, 0
        self._is_over = False
        self._damage: DamagedError | None = None
        self._tried = 0

    def next_is(self, mark: str) -> bool:
        """Whether the next character but space is this one; then it is taken."""
        if self._peek() != mark:
            return False
        self._at += 1
        return True

    def elements(self) -> Iterator[None]:
        """Stops before each element of an array, which is the caller's to take."""
        self._expect("[")
        yield from self._each("]")

    def members(self) -> Iterator[str]:
        """Each key of an object, its value being the caller's to take."""
        self._expect("{")
        for _ in self._each("}"):
            key = self.value()
            if not isinstance(key, str):
                raise self._damaged("a key that is no string")
            self._expect(":")
            yield key

    def several(self, decode: Callable[[str], Sequence[T]]) -> Sequence[T]:
        """Elements of an array from the next one on, all that are in hand, as `decode` gives them; [] to take one by `value`.

        An element is taken to end before another that begins as this one does. That is a guess, which is proved by
        `decode`, as it takes nothing but a whole list: JSON that goes on after it cannot be read otherwise up to there. What
        it does not take (then it gives []) is not tried again.
        """
        self._peek()
        if self._before + self._at < self._tried or not (beginning := _BEGINNING.match(self._text, self._at)):
            return []
        last = self._last(beginning[0])
        end = self._text.rfind(",", self._at, last)
        found = decode(f"[{self._text[self._at : end]}]") if end > self._at else []
        if found:
            self._at = end
        else:
            self._tried = self._before + max(end, self._at)
        return found

    def _last(self, beginning: str) -> int:
        """Where the last of several elements begins that begin so; 0 if there is one only."""
        with suppress(DamagedError):  # what comes before it is to be taken first
            while (last := self._text.rfind(beginning, self._at + 1)) < 0:
                if len(self._text) - self._at > LARGEST // 4 or not self._more(True):
                    break
        return max(last, 0)

    def value(self) -> Any:
        """The next value, whole."""
        self._peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._more(True):
                    continue
                self._at = self._at if self._may_go_on(error) else error.pos
                raise self._damaged("no value") from None
            except (RecursionError, ValueError):
                raise self._damaged("no value") from None
            if end < len(self._text) or not self._more(False):  # a number may go on
                self._at = end
                return found

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether it is no error but the end of what was fetched so far, within a word or a string."""
        return error.pos + _LONGEST_WORD >= len(self._text) or error.msg.startswith("Unterminated")

    def end(self) -> None:
        """Raises DamagedError if there is more than space."""
        if self._peek():
            raise self._damaged("more than one value")

    def _each(self, closing: str) -> Iterator[None]:
        if self.next_is(closing):
            return
        while True:
            yield
            if self.next_is(closing):
                return
            self._expect(",")

    def _expect(self, mark: str) -> None:
        if not self.next_is(mark):
            raise self._damaged(f"no {mark!r}")

    def _peek(self) -> str:
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found
            self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(False):
                return ""

    def _more(self, is_value: bool) -> bool:
        """Fetches as much again as there is, so that a long value is not parsed over and over."""
        if self._damage:
            raise self._damage
        if self._is_over:
            return False
        wanted = max(FETCHED, 2 * (len(self._text) - self._at)) if is_value else 1
        parts, got = [self._text[self._at :]], 0
        try:
            while got < wanted and not self._is_over:
                part = next(self._parts, None)
                self._is_over = part is None
                parts.append(part or "")
                got += len(part or "")
        except DamagedError as error:
            self._damage = error
            if not got:
                raise
        self._before += self._at
        self._text, self._at = "".join(parts), 0
        if len(self._text) > LARGEST:
            raise self._damaged(f"a value of more than {LARGEST:,} characters")
        return got > 0

    def _damaged(self, found: str) -> DamagedError:
        place = self._before + self._at
        shown = self._text[self._at : self._at + 20]
        what = f"{found} at {shown!r}" if shown else f"the text ends ({found})"
        return DamagedError(f"{self._label}: character {place:,}: {what}; what comes before it is kept")
