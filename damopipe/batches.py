"""Batches out of lists and arrays: unknown values are masked, numbers have the types of `damopipe.records`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.records import KINDS, Batch

if TYPE_CHECKING:
    from damopipe.records import Column


def batch(kind: str, columns: Mapping[str, Any]) -> Batch:
    """A batch with its columns as `records.KINDS` has them; None in a text or in a list is NULL.

    Raises ValueError, OverflowError for what no column can hold.
    """
    return Batch(kind, {name: _typed(values, KINDS[kind][name]) for name, values in columns.items()})


def _typed(values: Any, dtype: str) -> Column:
    if dtype == "object":
        unknown = [value is None for value in values]
        texts = np.asarray(values, dtype=object)
        return np.ma.MaskedArray(texts, unknown) if any(unknown) else texts
    if isinstance(values, list) and None in values:
        numbers = _typed([value or 0 for value in values], dtype)
        return np.ma.MaskedArray(numbers, [value is None for value in values])
    if isinstance(values, np.ma.MaskedArray):
        return values.astype(dtype) if np.ma.is_masked(values) else values.data.astype(dtype)
    return np.asarray(values, dtype="int64" if dtype.startswith("datetime") else dtype).astype(dtype)
