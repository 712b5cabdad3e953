"""What a scheme does with memory that none of its filters matches: kernels differ.

Kernel document: Documentation/mm/damon/design.rst, "Filters": until Linux 6.14 it is taken; since 6.15 the last filter
decides, by the opposite of what it does with what it matches. Core filters are asked first, those of the operations set then.
"""

from __future__ import annotations

from damopipe.damon.filters import FILTER_TYPES, is_passed_over
from damopipe.damon.scheme import Scheme
from damopipe.kernel.features import Features

_SINCE = "split_filters"
"""Came with the same release as the rule (Linux 6.15), and can be seen."""


def takes_unmatched(scheme: Scheme, operations: str, features: Features) -> bool | None:
    """Whether memory that no filter matches is taken; None for a scheme without filters."""
    if not scheme.filters:
        return None
    if _SINCE not in features:
        return True
    of_ops = [one for one in scheme.filters if FILTER_TYPES[one.type] == "ops"]
    # With a filter of the operations set the core leaves it to that one, also where the set then passes over it.
    if any(is_passed_over(one.type, scheme.action, operations) for one in of_ops):
        return True
    return not (of_ops or scheme.filters)[-1].allow


def in_words(scheme: Scheme, operations: str, features: Features) -> str | None:
    """One line for a plan; None for a scheme without filters."""
    taken = takes_unmatched(scheme, operations, features)
    if taken is None:
        return None
    return f"memory that none of its filters matches is {'taken' if taken else 'left alone'} on this kernel"
