"""Where the fields of a trace event lie, read from the text of its `format` file, as NumPy structured dtypes.

Pure: text in, layout out. Fields differ between kernels, so nothing here knows an event by heart.
Kernel document: Documentation/trace/events.rst, section 2.2 "Event formats".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.errors import MachineError

if TYPE_CHECKING:
    Dtype = np.dtype[np.void]

_HEAD = re.compile(r"^name: (\S+)\nID: ([0-9]{1,9})\n", re.MULTILINE)
_FIELD = re.compile(r"^\tfield:([^;\n]+);\toffset:([0-9]{1,9});\tsize:([0-9]{1,9});(?:\tsigned:([01]);)?", re.MULTILINE)
_NAME = re.compile(r"(\w+)(?:\[[^\]]*\])?$")
_SCALARS = (1, 2, 4, 8)
_LARGEST_PAYLOAD = 1 << 16


@dataclass(frozen=True)
class Layout:
    """The fixed part of one event: `dtype` over its bytes, beginning with common_type.

    `arrays` are the fields that say where a dynamic array lies (`__data_loc`: u32, low 16 bits the offset in the
    event, high 16 its length in bytes).
    """

    name: str
    id: int
    dtype: Dtype
    arrays: tuple[str, ...] = ()


def parse_format(text: str) -> Layout:
    """The layout that `events/*/NAME/format` describes. Raises MachineError, one line."""
    head = _HEAD.search(text)
    fields = _FIELD.findall(text)
    if head is None or not fields:
        raise MachineError(f"tracefs: not an event format: {text[:80]!r}; please report this kernel")
    kinds = [_field(*field) for field in fields]
    try:
        dtype = np.dtype(
            {
                "names": [name for name, _, _, _ in kinds],
                "formats": [kind for _, kind, _, _ in kinds],
                "offsets": [offset for _, _, offset, _ in kinds],
                "itemsize": max(offset + size for _, _, offset, size in kinds),
            }
        )
    except (ValueError, TypeError) as error:
        raise MachineError(f"tracefs: format of {head[1]}: {error}; please report this kernel") from None
    arrays = tuple(name for (name, *_), (declared, *_) in zip(kinds, fields, strict=True) if _is_dynamic(declared))
    missing = {"common_type", "common_pid"} - set(dtype.names or ())
    if missing or dtype.itemsize > _LARGEST_PAYLOAD or int(head[2]) >= 1 << 16:
        raise MachineError(f"tracefs: format of {head[1]}: not that of an event; please report this kernel")
    return Layout(head[1], int(head[2]), dtype, arrays)


def _field(declared: str, offset: str, size: str, signed: str) -> tuple[str, Any, int, int]:
    """Its name, NumPy format, offset and size."""
    name = _NAME.search(declared.strip())
    if name is None:
        raise MachineError(f"tracefs: not a field of an event: {declared[:80]!r}; please report this kernel")
    width = int(size)
    is_array = declared.rstrip().endswith("]") and not _is_dynamic(declared)
    if is_array or width not in _SCALARS:
        return name[1], f"V{width}", int(offset), width
    return name[1], f"<{'i' if signed == '1' else 'u'}{width}", int(offset), width


def _is_dynamic(declared: str) -> bool:
    return declared.startswith("__data_loc")
