"""The ready pipelines, as they are but shorter and on processes of ours: they run, and do what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.errors import MachineError
from damopipe.kernel.needs import missing
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan

from ..backend.plans import pid
from ..guest.sessions import Run
from .acting import AT_MOST_S, FEATURES, recorded, until
from .conftest import Lay
from .layout import MIB, Layout

PIPELINES = Path(__file__).parents[2] / "pipelines"
LONG_ENOUGH = f"{AT_MOST_S}s"
WITH_SCHEMES = ("thp", "reclaim", "reclaim-psi", "lru-sort", "tiering", "interleave", "cold-tail", "wss")


def planned(name: str, here: Layout, seconds: str, **sets: str) -> Plan:
    """A ready pipeline; where it watches a process, that of `here`."""
    one = make_plan(load_pipeline(PIPELINES / f"{name}.toml", {"seconds": seconds, **sets}), "damon")
    contexts = [
        context if context.operations == "paddr" else context.model_copy(update={"targets": (pid(here.pid),)})
        for context in one.contexts
    ]
    return one.model_copy(update={"contexts": tuple(contexts)})


@pytest.mark.parametrize("name", WITH_SCHEMES)
def test_it_runs_or_says_what_it_needs(lay: Lay, name: str) -> None:
    one = planned(name, lay(hot=(4, "hot"), cold=(16, "cold")), "5s")
    if missing(one, FEATURES):
        with pytest.raises(MachineError, match=r"needs Linux [67]\.\d+; this kernel is"):
            Run(one)
        return
    run = Run(one)
    assert run.end_reason == "duration"
    assert len(run.snapshots["ts"]) > 0
    schemes = sum(len(context.schemes) for context in one.contexts)
    assert ("scheme_stat" in run.tables) == (schemes > 0)
    assert schemes == 0 or set(run.tables["scheme_stat"]["scheme_id"].tolist()) == set(range(schemes))


def test_reclaim_takes_memory_and_not_the_working_set(lay: Lay) -> None:
    here = lay(hot=(8, "hot"), cold=(64, "cold"))
    before = here.total("VmRSS")
    run = until(planned("reclaim", here, LONG_ENOUGH, idle="1s"), recorded(lambda: before - here.total("VmRSS") > 56 * MIB))
    assert here.bytes_of("Rss", "hot") > 7 * MIB
    hot = here.areas["hot"]
    assert run.rate((hot.start_addr, hot.end_addr)) > 0.5
    rss = run.tables["process"]["rss_bytes"][run.tables["process"]["role"] == "target"]
    assert int(rss[0]) - int(rss[-1]) > 40 * MIB  # it is in the records too


def test_thp_gives_huge_pages_to_what_is_hot(lay: Lay) -> None:
    here = lay(hot=(8, "hot"), cold=(32, "cold"))

    def is_so() -> bool:
        # Before regions are told apart one of them may be hot as a whole: of the cold part the advice is what counts.
        is_huge = here.bytes_of("AnonHugePages", "hot") >= 6 * MIB and here.flagged("hg", "hot") >= 6 * MIB
        return is_huge and here.flagged("nh", "cold") >= 24 * MIB

    run = until(planned("thp", here, LONG_ENOUGH), recorded(is_so))
    counters = run.tables["counter"]
    huge = counters["value"][counters["name"] == "meminfo.AnonHugePages"]
    assert int(huge.max()) >= 6 * MIB  # of the whole system: a process that ended may have let go of some meanwhile
