"""masim's configuration format to a `Workload`: pure, text in, frozen models out.

Paragraphs are separated by blank lines, `#` begins a comment, blanks around fields do not count. The first paragraph
names regions, every other one is a phase. The format is that of github.com/sjp38/masim; a pattern that does not
say ro, wo or rw only writes, as there.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from damopipe import units
from damopipe.errors import UsageError
from damopipe.workload.model import Access, Pattern, Phase, Region, Workload

_ACCESS: dict[str, Access] = {"ro": "ro", "wo": "wo", "rw": "rw"}
_LONGEST_MS = 2**31
_LARGEST_BYTES = 2**46


class Line(NamedTuple):
    """One line that says something, without its comment."""

    place: str
    """file:number, for errors"""
    text: str

    def error(self, message: str) -> UsageError:
        return UsageError(f"{self.place}: {message}")

    def fields(self) -> list[str]:
        return [field.strip() for field in self.text.split(",")]


def parse(text: str, file: str) -> Workload:
    """The workload that `text` describes; `file` is its name in errors. Raises UsageError, one line."""
    paragraphs = list(_paragraphs(text, file))
    if not paragraphs:
        raise UsageError(f"{file}: no regions; the first paragraph names them, a line each: name, bytes")
    if len(paragraphs) == 1:
        raise UsageError(f"{file}: no phases; after the regions and a blank line comes: a title, milliseconds, patterns")
    regions = _regions(paragraphs[0])
    return Workload(tuple(regions.values()), tuple(_phase(lines, regions) for lines in paragraphs[1:]))


def _paragraphs(text: str, file: str) -> Iterator[list[Line]]:
    """Runs of lines between blank ones; a line that is only a comment does not end a run."""
    lines: list[Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        content = raw.partition("#")[0].strip()
        if content:
            lines.append(Line(f"{file}:{number}", content))
        elif not raw.strip() and lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _regions(lines: list[Line]) -> dict[str, Region]:
    regions: dict[str, Region] = {}
    for line in lines:
        region = _region(line)
        if region.name in regions:
            raise line.error(f"region {region.name!r} is there twice; give each its own name")
        regions[region.name] = region
    return regions


def _region(line: Line) -> Region:
    fields = line.fields()
    if len(fields) not in (2, 3) or not fields[0]:
        raise line.error(f"{line.text!r} is not a region; write: name, bytes[, none or a file]")
    content = fields[2] if len(fields) == 3 and fields[2] not in ("", "none") else None
    return Region(fields[0], _size(line, fields[1]), content)


def _size(line: Line, text: str) -> int:
    try:
        size = units.parse_bytes(text)
    except UsageError as error:
        raise line.error(str(error)) from None
    if not 0 < size <= _LARGEST_BYTES:
        raise line.error(f"a region of {text} bytes; write 1 to {_LARGEST_BYTES}")
    return size


def _phase(lines: list[Line], regions: dict[str, Region]) -> Phase:
    title, *rest = lines
    if not rest:
        raise title.error(f"phase {title.text!r} has no duration; write its milliseconds on the next line")
    duration_ms = _number(rest[0], rest[0].text, "the milliseconds of a phase", 1, _LONGEST_MS)
    return Phase(title.text, duration_ms, tuple(_pattern(line, regions) for line in rest[1:]))


def _pattern(line: Line, regions: dict[str, Region]) -> Pattern:
    fields = line.fields()
    if len(fields) not in (4, 5):
        raise line.error(f"{line.text!r} is not a pattern; write: region, random (0 or 1), stride, weight[, ro|wo|rw]")
    if fields[0] not in regions:
        raise line.error(f"region {fields[0]!r} is not among the regions{_nearest(fields[0], regions)}")
    access = fields[4] if len(fields) == 5 else "wo"
    if access not in _ACCESS:
        raise line.error(f"{access!r} is not an access mode; write ro, wo or rw")
    return Pattern(
        region=fields[0],
        random=_number(line, fields[1], "random", 0, 1) == 1,
        stride_bytes=_number(line, fields[2], "the stride in bytes", 1, _LARGEST_BYTES),
        weight=_number(line, fields[3], "the weight", 1, 10**9),
        access=_ACCESS[access],
    )


def _number(line: Line, text: str, what: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise line.error(f"{text!r} is not {what}; write a whole number from {low} to {high}")
    return int(text)


def _nearest(name: str, regions: dict[str, Region]) -> str:
    near = difflib.get_close_matches(name, regions, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
