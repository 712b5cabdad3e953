"""Schemes that stay on, on a real DAMON; the fixture of this folder holds that afterwards all is as before."""

from __future__ import annotations

import time

import pytest

from damopipe.backend.staying import start, status, stop
from damopipe.damon.scheme import Scheme
from damopipe.errors import MachineError
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import PlannedTarget

from ..backend.plans import plan
from .sessions import Run

HERE = Machine()


def test_they_work_until_they_are_stopped() -> None:
    one = plan(PlannedTarget(kind="physical"), operations="paddr", sample_ms=5, schemes=(Scheme(name="count", action="stat"),))
    start(one, HERE, print)
    try:
        time.sleep(1)
        first = status(HERE)
        time.sleep(1)
        second = status(HERE)
        assert first is not None and second is not None
        tried = [found.schemes[0].numbers["nr_tried"] or 0 for found in (first, second)]
        assert 0 < tried[0] < tried[1]
        assert second.kdamond_pids[0]
        with pytest.raises(MachineError, match="the schemes of pipeline test are on"):
            Run(plan(PlannedTarget(kind="physical"), seconds=1, operations="paddr"))
    finally:
        assert stop(HERE) == ("test", [])
    assert status(HERE) is None
