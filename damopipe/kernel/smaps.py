"""/proc/PID/smaps as columns, in one fast pass over bytes.

Invariant: every column has one value a mapping, in ascending order of address, never overlapping.
Kernel document: Documentation/filesystems/proc.rst, "/proc/PID/smaps".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.errors import MachineError

if TYPE_CHECKING:
    Uints = np.ndarray[Any, np.dtype[np.uint64]]

# Patterns begin with literal text, which `re` searches for ten times faster than it tries an anchor at each line:
# VmFlags is the last line of every mapping (Linux 3.8), so what follows it is the header of the next.
_BEFORE_HEADER = b"\nVmFlags:"
_HEADER = re.compile(rb"\nVmFlags:[^\n]*\n([^\n]+)")
_HEADER_FIELDS = re.compile(rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) (\S{4}) [0-9a-f]+ \S+ [0-9]+ *(.*)")
_LARGEST_KB = 2**54


@dataclass(frozen=True)
class Smaps:
    """The mappings of one process, a column each."""

    start_addr: Uints
    end_addr: Uints
    permissions: list[str]
    names: list[str | None]
    """The file, [heap], …; None for anonymous memory without a name."""
    bytes_of: Mapping[str, Uints]
    """The fields that were asked for, in bytes: "Referenced", "Rss", …"""
    headers: list[bytes]
    """The lines that the other columns were made of."""

    def __len__(self) -> int:
        return len(self.headers)

    @property
    def size_bytes(self) -> Uints:
        """How large each mapping is."""
        return self.end_addr - self.start_addr


def parse(text: bytes, fields: Iterable[str] = ("Referenced",), before: Smaps | None = None) -> Smaps:
    """The columns of smaps `text`, with these of its `fields`.

    `before`, the same process a moment ago, saves reading headers that did not change. Raises MachineError, one line.
    """
    headers = _HEADER.findall(_BEFORE_HEADER + b"\n" + text)
    bytes_of = {name: _column(text, name, len(headers)) for name in fields}
    if before is not None and before.headers == headers:
        return replace(before, bytes_of=bytes_of)
    return _of_headers(headers, bytes_of)


def parse_maps(text: bytes) -> Smaps:
    """The columns of /proc/PID/maps, which has the headers alone. Raises MachineError, one line."""
    return _of_headers(text.splitlines(), {})


def _of_headers(headers: list[bytes], bytes_of: Mapping[str, Uints]) -> Smaps:
    split = [_split(header) for header in headers]
    start = np.array([int(fields[0], 16) for fields in split], dtype=np.uint64)
    end = np.array([int(fields[1], 16) for fields in split], dtype=np.uint64)
    if bool((start >= end).any()) or bool((start[1:] < end[:-1]).any()):
        raise MachineError("smaps: mappings overlap or are out of order; please report this kernel")
    permissions = [fields[2].decode("ascii", "backslashreplace") for fields in split]
    names = [fields[3].decode("utf-8", "backslashreplace") or None for fields in split]
    return Smaps(start, end, permissions, names, bytes_of, headers)


def _split(header: bytes) -> tuple[bytes, ...]:
    match = _HEADER_FIELDS.fullmatch(header)
    if match is None:
        shown = header[:80].decode("ascii", "backslashreplace")
        raise MachineError(f"smaps: not a mapping: {shown!r}; please report this kernel")
    return match.groups()


def _column(text: bytes, name: str, count: int) -> Uints:
    values = re.findall(rb"\n%s: +([0-9]+) kB" % name.encode(), text)
    if len(values) != count:
        raise MachineError(f"smaps: {count} mappings but {len(values)} lines of {name}; please report this kernel")
    numbers = list(map(int, values))
    if max(numbers, default=0) >= _LARGEST_KB:
        raise MachineError(f"smaps: {name}: {max(numbers)} kB is too large; please report this kernel")
    return np.array(numbers, dtype=np.uint64) * np.uint64(1024)
