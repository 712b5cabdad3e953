"""The binary layout of a tracepoint's records, as its `format` file tells it: it differs between kernels.

Pure. Kernel document: Documentation/trace/events.rst, "Event formats".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from damopipe.errors import MachineError

_NAME = re.compile(r"^name: (\S+)$", re.MULTILINE)
_ID = re.compile(r"^ID: (\d+)$", re.MULTILINE)
_FIELD = re.compile(r"^\tfield:([^;]+);\toffset:(\d+);\tsize:(\d+);\tsigned:([01]);$", re.MULTILINE)
_LARGEST = 1 << 16


@dataclass(frozen=True)
class Layout:
    """One event: `dtype` is a record's fixed part, every field at its offset."""

    name: str
    id: int
    dtype: np.dtype[Any]

    @property
    def fields(self) -> tuple[str, ...]:
        """Its fields, those that all events have included."""
        return self.dtype.names or ()


def parse_format(text: str) -> Layout:
    """The layout of a `format` file. Raises MachineError, one line."""
    name, number, fields = _NAME.search(text), _ID.search(text), _FIELD.findall(text)
    if name is None or number is None or not fields:
        raise MachineError(f"not the format of a tracepoint: {text[:60]!r}")
    spec: Any = {"names": [], "formats": [], "offsets": []}
    for declared, offset, size, signed in fields:
        spec["names"].append(_name(declared))
        spec["formats"].append(_type(int(size), signed == "1", declared))
        spec["offsets"].append(int(offset))
    ends = [offset + np.dtype(kind).itemsize for offset, kind in zip(spec["offsets"], spec["formats"], strict=True)]
    if max(ends) > _LARGEST:
        raise MachineError(f"the format of tracepoint {name[1]} has {max(ends)} bytes; please report this kernel")
    # Whole words, as the ring buffer stores them.
    spec["itemsize"] = -(-max(ends) // 4) * 4
    return Layout(name[1], int(number[1]), np.dtype(spec))


def _name(declared: str) -> str:
    return declared.split()[-1].partition("[")[0]


def _type(size: int, signed: bool, declared: str) -> str:
    """Numbers as numbers; arrays and all else as bytes."""
    if size in (1, 2, 4, 8) and "]" not in declared.split()[-1]:
        return f"<{'i' if signed else 'u'}{size}"
    return f"V{size}"
