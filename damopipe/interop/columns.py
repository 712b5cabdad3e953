"""Columns of records: unknown values are masked, numbers have the types of `damopipe.records`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.records import KINDS, Batch

if TYPE_CHECKING:
    from damopipe.records import Column


def batch(kind: str, columns: Mapping[str, Any]) -> Batch:
    """A batch of lists or arrays; None in a list is NULL. Raises ValueError, OverflowError for what no column can hold."""
    return Batch(kind, {name: _typed(values, KINDS[kind][name]) for name, values in columns.items() if values is not None})


def _typed(values: Any, dtype: str) -> Column:
    if isinstance(values, np.ndarray):
        return values if np.ma.isMaskedArray(values) else values.astype(dtype)
    if dtype == "object":
        texts = np.array(values, dtype=object)
        return np.ma.MaskedArray(texts, [value is None for value in values])
    unknown = [value is None for value in values]
    known: Sequence[int] = [value or 0 for value in values] if any(unknown) else values
    plain = np.array(known, dtype=np.int64 if dtype.startswith("datetime") else dtype).astype(dtype)
    return np.ma.MaskedArray(plain, unknown) if any(unknown) else plain
