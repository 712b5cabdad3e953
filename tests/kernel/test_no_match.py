"""Memory that no filter matches: by the kernel, and by the last filter of the layer that decides."""

from __future__ import annotations

import pytest

from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange
from damopipe.damon.scheme import Scheme
from damopipe.kernel.features import of_version
from damopipe.kernel.no_match import in_words, takes_unmatched

OLD, NEW = of_version("6.12.95"), of_version("7.3.4")
ANON = Filter(type="anon")
YOUNG = Filter(type="young", allow=True)
NEAR = Filter(type="addr", allow=True, address=AddressRange(start_addr=0, end_addr=4096))


@pytest.mark.parametrize(
    ("filters", "old", "new"),
    [
        ((), None, None),
        ((ANON,), True, True),
        ((YOUNG,), True, False),
        ((ANON, YOUNG), True, False),
        ((YOUNG, ANON), True, True),
        ((NEAR,), True, False),
        ((NEAR, ANON), True, True),
        ((ANON, NEAR), True, True),  # the core's are asked first, wherever they stand
    ],
)
def test_what_is_not_matched(filters: tuple[Filter, ...], old: bool | None, new: bool | None) -> None:
    scheme = Scheme(name="s", action="pageout", filters=filters)
    assert (takes_unmatched(scheme, "paddr", OLD), takes_unmatched(scheme, "paddr", NEW)) == (old, new)


def test_the_rule_came_with_6_15() -> None:
    scheme = Scheme(name="s", action="pageout", filters=(YOUNG,))
    assert takes_unmatched(scheme, "paddr", of_version("6.14")) is True
    assert takes_unmatched(scheme, "paddr", of_version("6.15")) is False


@pytest.mark.parametrize(("action", "taken"), [("pageout", True), ("stat", False), ("migrate_hot", False)])
def test_filters_that_are_passed_over_leave_nothing_alone(action: str, taken: bool) -> None:
    scheme = Scheme(name="s", action=action, filters=(NEAR, YOUNG))
    assert takes_unmatched(scheme, "vaddr", NEW) is taken
    assert takes_unmatched(scheme, "paddr", NEW) is False
    assert takes_unmatched(scheme.model_copy(update={"filters": (NEAR,)}), "vaddr", NEW) is False


def test_in_words() -> None:
    scheme = Scheme(name="s", action="pageout", filters=(YOUNG,))
    assert in_words(scheme, "paddr", NEW) == "memory that none of its filters matches is left alone on this kernel"
    assert in_words(scheme, "paddr", OLD) == "memory that none of its filters matches is taken on this kernel"
    assert in_words(Scheme(name="s", action="stat"), "paddr", NEW) is None
