"""Where a key stands in a TOML text: a line wherever it is sure, nothing where it is not.

TOML parsers give no lines, so this reads the text again, line by line: table headers, keys, and multi-line values,
which are passed over. A key inside an inline table is on the line where that table begins, if it ends there too.
"""

from __future__ import annotations

import re
from collections import Counter

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-.\"' ]+?)\s*=\s*(.*)$")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')


class Lines:
    """The lines of a file's keys."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        self._several: set[str] = set()
        self._read(text)

    def of(self, key: str) -> int | None:
        """The line of `key`, or of the value on one line that it is in, or None."""
        if key in self._lines:
            return self._lines[key]
        if f"{key}[0]" in self._lines:  # a list as a whole stands where its first table does
            return self._lines[f"{key}[0]"]
        shorter = re.sub(r"(\.[^.\[\]]+|\[\d+\])$", "", key)
        if shorter == key or shorter in self._several:
            return None
        return self.of(shorter)

    def _read(self, text: str) -> None:
        table, open_until = "", ""
        counts: Counter[str] = Counter()
        depth = 0
        current = ""
        for number, line in enumerate(text.split("\n"), 1):
            if open_until or depth > 0:
                open_until, depth = _rest(line, open_until, depth)
                self._several.add(current)
                continue
            if header := _HEADER.match(line):
                table = self._table(header, counts)
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                current = ".".join(filter(None, [table, _clean(key[1])]))
                self._lines.setdefault(current, number)
                open_until, depth = _rest(key[2], "", 0)

    @staticmethod
    def _table(header: re.Match[str], counts: Counter[str]) -> str:
        """The key of a header, array tables with their number: `[[context.scheme]]` is `context[0].scheme[1]`."""
        path = ""
        parts = [_clean(part) for part in header[2].split(".")]
        for place, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            if place == len(parts) - 1 and header[1] == "[[":
                counts[path] += 1
            if counts[path]:
                path = f"{path}[{counts[path] - 1}]"
        return path


def _clean(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)


def _rest(line: str, open_until: str, depth: int) -> tuple[str, int]:
    """Whether a value goes on after `line`: the quotes it waits for, or how many brackets are open."""
    if open_until:
        before, quotes, after = line.partition(open_until)
        return _rest(after, "", depth) if quotes else (open_until, depth)
    for quotes in ('"""', "'''"):
        if quotes in line and quotes not in _STRING.sub("", line.replace(quotes, "\0")):
            before, _, after = line.partition(quotes)
            return _rest(after, quotes, depth + _balance(before))
    return "", depth + _balance(line)


def _balance(text: str) -> int:
    bare = _STRING.sub("", text).split("#")[0]
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
