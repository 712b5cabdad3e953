"""Which backend is taken, and why."""

from __future__ import annotations

import pytest

from damopipe.backend import backend, choose
from damopipe.errors import MachineError, UsageError


def test_by_name_needs_no_reason() -> None:
    assert choose("procfs", has_schemes=False) == ("procfs", "")


def test_auto_falls_back_on_procfs_and_says_why() -> None:
    name, reason = choose("auto", has_schemes=False)
    assert name == "procfs"
    assert reason.startswith("auto: this version cannot drive DAMON yet")


@pytest.mark.parametrize("requested", ["auto", "procfs"])
def test_schemes_need_damon(requested: str) -> None:
    with pytest.raises(MachineError, match="schemes"):
        choose(requested, has_schemes=True)


@pytest.mark.parametrize("requested", ["damon", "simulate"])
def test_what_this_version_lacks(requested: str) -> None:
    with pytest.raises(MachineError, match=f"this version of damopipe has no {requested} backend yet"):
        backend(requested)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="backend 'profcs': unknown; did you mean 'procfs'"):
        choose("profcs", has_schemes=False)
