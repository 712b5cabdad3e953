"""Two nodes as tiers: two kdamonds demote what is cold and promote what is hot, as their goals have them; and interleaving."""

from __future__ import annotations

import pytest

from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Dest, Goal, Quota, Scheme
from damopipe.errors import MachineError
from damopipe.pipeline.planned import Plan

from .acting import FEATURES, on, on_node, until
from .conftest import Group, Lay
from .groups import ours
from .layout import MIB

NEVER = AccessPattern(access=Bounds(max=0))
SOMETIMES = AccessPattern(access=Bounds(min=500))
OLD = Filter(type="young", match=True, allow=False)
YOUNG = Filter(type="young", match=False, allow=False)


def quota(metric: str, target_bp: int) -> Quota:
    """200 MiB a second, tuned by how much of node 0 is free or used. At a reset it can double, from a byte on."""
    return Quota(size_bytes=20 * MIB, reset_interval_ms=100, goals=(Goal(metric=metric, target_value=target_bp, nid=0),))


def tiers(free_bp: int, hot: Filter, cold: Filter) -> Plan:
    """Node 0 is to be nearly full, and to have `free_bp` of it free; of the memory that `hot` and `cold` leave."""
    demote = Scheme(
        name="demote",
        action="migrate_cold",
        target_nid=1,
        pattern=NEVER,
        quota=quota("node_mem_free_bp", free_bp),
        filters=(cold, OLD),
    )
    promote = Scheme(
        name="promote",
        action="migrate_hot",
        target_nid=0,
        pattern=SOMETIMES,
        quota=quota("node_mem_used_bp", 9_970),
        filters=(hot, YOUNG),
    )
    return both(on_node(0, demote), on_node(1, promote))


def both(first: Plan, second: Plan) -> Plan:
    """Two kdamonds."""
    return first.model_copy(update={"contexts": first.contexts + second.contexts})


def without_goals(one: Plan) -> Plan:
    """The same as fast as the quotas let it go."""
    schemes = [scheme.model_copy(update={"quota": Quota()}) for context in one.contexts for scheme in context.schemes]
    contexts = [context.model_copy(update={"schemes": (scheme,)}) for context, scheme in zip(one.contexts, schemes, strict=True)]
    return one.model_copy(update={"contexts": tuple(contexts)})


def test_cold_memory_goes_down_and_hot_memory_comes_up(lay: Lay, group: Group) -> None:
    upper, lower = group(0), group(1)
    cold, hot = lay(upper, cold=(48, "cold")), lay(lower, hot=(8, "hot"))
    assert (cold.nodes("cold"), hot.nodes("hot")) == ({0: 48 * MIB}, {1: 8 * MIB})
    one = tiers(9_900, ours(lower), ours(upper))
    one = one if "node_goals" in FEATURES else without_goals(one)
    until(one, lambda: cold.nodes("cold").get(1, 0) > 44 * MIB and hot.nodes("hot").get(0, 0) > 7 * MIB)


def test_a_goal_that_is_met_keeps_memory_where_it_is(lay: Lay, group: Group) -> None:
    upper, lower = group(0), group(1)
    cold, hot = lay(upper, cold=(48, "cold")), lay(lower, hot=(8, "hot"))
    one = tiers(50, ours(lower), ours(upper))  # more than half a percent of node 0 is free
    if "node_goals" not in FEATURES:
        with pytest.raises(MachineError, match=r"goals\[0\]\.metric: the goal metric 'node_mem_free_bp' needs Linux 6\.16"):
            until(one, bool)
        return
    until(one, lambda: hot.nodes("hot").get(0, 0) > 7 * MIB)
    assert cold.nodes("cold") == {0: 48 * MIB}


def test_interleaving_spreads_what_is_hot(lay: Lay) -> None:
    here = lay(hot=(16, "hot"), cold=(48, "cold"))
    dests = (Dest(id=0, weight=1), Dest(id=1, weight=1))
    spread = Scheme(name="spread", action="migrate_hot", dests=dests, pattern=AccessPattern(access=Bounds(min=2_000)))
    # Of the areas alone: in a process as a whole a region may be hot as long as hot and cold are not told apart, and go whole.
    one = on(here, ("hot", "cold"), spread)
    if "dests" not in FEATURES:
        with pytest.raises(MachineError, match=r"scheme\[0\]\.dests: migrating to several nodes needs Linux 6\.17"):
            until(one, bool)
        return
    until(one, lambda: here.nodes("hot").get(1, 0) > 7 * MIB)
    assert here.nodes("hot")[0] == pytest.approx(8 * MIB, rel=0.15)
    assert here.nodes("cold").get(1, 0) < 6 * MIB
