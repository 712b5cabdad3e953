"""The regions of one target, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass
class Regions:
    """The regions of one target: ascending, never overlapping."""

    start: Array  # uint64, bytes
    end: Array  # uint64, bytes
    nr_accesses: Array  # uint32: samples of the last whole aggregation that found an access
    age: Array  # uint32: aggregations
    last_nr_accesses: Array  # uint32: of the aggregation before
