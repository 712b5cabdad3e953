"""What a scheme does with memory that none of its filters matches: kernels differ.

Kernel document: Documentation/mm/damon/design.rst, "Filters": until Linux 6.14 it is taken; since 6.15 the last filter
decides, by the opposite of what it does with what it matches. Core filters are asked first, those of the operations set then.
"""

from __future__ import annotations

from damopipe.damon.filters import FILTER_TYPES
from damopipe.damon.scheme import Scheme
from damopipe.kernel.features import Features

_SINCE = "active_filter"
"""Came with the same release as the rule (Linux 6.15), and can be read off a kernel."""


def takes_unmatched(scheme: Scheme, features: Features) -> bool | None:
    """Whether memory that no filter matches is taken; None for a scheme without filters."""
    if not scheme.filters:
        return None
    if _SINCE not in features:
        return True
    deciding = [one for one in scheme.filters if FILTER_TYPES[one.type] == "ops"] or scheme.filters
    return not deciding[-1].allow


def in_words(scheme: Scheme, features: Features) -> str | None:
    """One line for a plan; None for a scheme without filters."""
    taken = takes_unmatched(scheme, features)
    if taken is None:
        return None
    what = "is taken" if taken else "is left alone"
    return f"{scheme.name}: memory that none of its filters matches {what} on this kernel"
