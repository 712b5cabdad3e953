"""Columns as text in a page: planes of bytes, zlib, base64. What undoes it is templates/page_unpack.js.

Invariant: the text has letters, digits, "+", "/" and "=" only, so that it can never become markup.
Format: RFC 1950 (zlib), which browsers undo with DecompressionStream("deflate").
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from damopipe.records import Column

LEVEL = 9


def packed(data: bytes) -> str:
    """Compressed bytes as text."""
    return base64.b64encode(zlib.compress(data, LEVEL)).decode()


def packed_json(value: Any) -> str:
    """A value of lists, dicts, texts and numbers as compressed text; NaN is not among them."""
    return packed(json.dumps(value, separators=(",", ":"), allow_nan=False).encode())


def packed_columns(*columns: Column) -> str:
    """Whole numbers, each column as eight planes of bytes, the lowest first: planes of zeros compress to nothing."""
    return packed(b"".join(_planes(column) for column in columns))


def _planes(column: Column) -> bytes:
    whole = np.ascontiguousarray(np.ma.filled(column, 0).astype("<i8"))
    return whole.view(np.uint8).reshape(-1, 8).T.tobytes()


def numbers(column: Column, digits: int = 9) -> list[float | None]:
    """A column for JSON: nine significant digits, None where there is no value."""
    values = np.ma.filled(column.astype(float), np.nan)
    return [None if value != value else float(f"{value:.{digits}g}") for value in values.tolist()]
