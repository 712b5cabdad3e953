"""Schemes are tuned on a real DAMON: regions keep their ages, and what the file does not name stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from damopipe.backend.staying import start, status, stop
from damopipe.backend.tuning import Tuning
from damopipe.errors import MachineError
from damopipe.kernel import features
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan

from .conftest import Known

HERE = Machine()
KDAMONDS = Kdamonds(HERE)
SCHEME = "0/contexts/0/schemes/0"
PHYSICAL = "physical = {}"
PIPELINE = """
version = 1
name = "stay"
[[target]]
{target}
[monitoring]
regions = {{ min = 10, max = 200 }}
[[scheme]]
name = "count"
action = "stat"
quota = {{ size = "1TiB", interval = "1s" }}
"""
SECONDS = 6


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """What is on is stopped afterwards."""
    yield tmp_path / "stay.toml"
    if status(HERE):
        stop(HERE)


def switch_on(file: Path, target: str, extra: str = "") -> None:
    file.write_text(PIPELINE.format(target=target) + extra)
    start(make_plan(load_pipeline(file), "damon"), HERE, print)


def tune(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with Tuning(HERE) as tuning:
        loaded = load_pipeline(file, {}, tuning.document)
        plan = make_plan(loaded, "damon")
        found = tuning.changes(plan)
        tuning.commit(plan, loaded.tree)
    return [str(change) for change in found]


def oldest() -> int:
    """The largest age of all regions that the first scheme was tried on, in aggregations of 100 ms."""
    assert KDAMONDS.command(0, "update_schemes_tried_regions")
    folder = HERE.kdamonds / SCHEME / "tried_regions"
    ages = [int(path.read_text()) for path in folder.glob("*/age")]
    assert ages
    return max(ages)


def settings() -> dict[str, str]:
    """Every file but those that the kernel writes, and initial regions."""
    own = ("/stats/nr", "/stats/sz", "/stats/qt", "tried_regions", "effective", "regions/", "/state", "/pid")
    return {path: text for path, text in KDAMONDS.listing().items() if not any(part in path for part in own)}


@pytest.mark.parametrize("kind", ["process", "physical"])
def test_ages_grow_through_it_and_begin_anew_with_a_restart(kind: str, file: Path, known: Callable[[int, int], Known]) -> None:
    target = f"pid = {known(4, 32).pid}" if kind == "process" else PHYSICAL
    switch_on(file, target)
    time.sleep(SECONDS)
    before, was, files = oldest(), KDAMONDS.pid(0), settings()
    changes = tune(file, '[[scheme]]\nname = "count"\nquota = { size = "2TiB" }\npattern = { size = ["8KiB", "max"] }\n')
    after = oldest()
    assert changes == ["scheme count: pattern.size any → 8KiB to max", "scheme count: quota.size 1TiB → 2TiB"]
    assert KDAMONDS.pid(0) == was
    changed = {path.removeprefix(SCHEME) for path, text in settings().items() if files[path] != text}
    assert changed == {"/quotas/bytes", "/access_pattern/sz/min"}
    stop(HERE)
    switch_on(file, target)
    time.sleep(1)
    anew = oldest()
    assert before > 10 * SECONDS / 2
    assert after >= before
    assert anew < before / 2


def test_counts_go_on_when_a_scheme_is_added(file: Path) -> None:
    switch_on(file, PHYSICAL)
    time.sleep(2)
    first = status(HERE)
    tune(file, '[[scheme]]\nname = "more"\naction = "stat"\npattern = { access = ["0%", "0%"] }\n')
    time.sleep(1)
    second = status(HERE)
    assert first is not None and second is not None
    assert [one.name for one in second.schemes] == ["count", "more"]
    tried = [found.schemes[0].numbers["nr_tried"] or 0 for found in (first, second)]
    assert tried[0] < tried[1]
    assert (second.schemes[1].numbers["nr_tried"] or 0) > 0


def test_goals_alone(file: Path) -> None:
    switch_on(file, PHYSICAL, 'goals = [{ metric = "user_input", target = 100, current = 10 }]\n')
    time.sleep(3)
    tune(file, '[[scheme]]\nname = "count"\ngoals = [{ metric = "user_input", target = 100, current = 900 }]\n')
    assert KDAMONDS.read(f"{SCHEME}/quotas/goals/0/current_value") == "900"
    assert KDAMONDS.is_on(0)
    time.sleep(3)
    found = status(HERE)
    assert found is not None
    assert found.schemes[0].numbers["effective_quota_bytes"] == 1  # far above its target, the quota is next to nothing


def test_a_refused_commit_leaves_all_as_it_was(file: Path) -> None:
    switch_on(file, PHYSICAL)
    time.sleep(3)
    before, files, was = oldest(), settings(), KDAMONDS.pid(0)
    nowhere = '[[scheme]]\nname = "count"\nfilters = [{ type = "memcg", memcg = "/nowhere" }]\n'
    with pytest.raises(MachineError) as refused:
        tune(file, nowhere)
    assert settings() == files
    assert KDAMONDS.is_on(0)
    if "started again as it was" not in str(refused.value):  # kernels like 6.12 end at what they cannot carry out
        assert "(Cannot allocate memory); a filter's memory cgroup may not exist" in str(refused.value)
        assert KDAMONDS.pid(0) == was
        assert oldest() >= before
    time.sleep(1)
    assert tune(file, '[[scheme]]\nname = "count"\napply_interval = "1s"\n') == ["scheme count: apply_interval none → 1s"]
    assert KDAMONDS.is_on(0)


def test_tuned_intervals_stay(file: Path) -> None:
    tuned = 'autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "50ms" }'
    file.write_text(PIPELINE.format(target=PHYSICAL).replace("[monitoring]", f"[monitoring]\n{tuned}"))
    if "intervals_goal" not in features.find(HERE):
        with pytest.raises(MachineError, match=r"tuning of the intervals needs Linux 6\.15"):
            start(make_plan(load_pipeline(file), "damon"), HERE, print)
        return
    start(make_plan(load_pipeline(file), "damon"), HERE, print)
    time.sleep(5)
    found = status(HERE)
    assert found is not None and found.intervals_us[0][0] > 5_000
    tune(file, '[[scheme]]\nname = "count"\nquota = { size = "1GiB" }\n')
    after = status(HERE)
    assert after is not None
    assert after.intervals_us[0][0] >= found.intervals_us[0][0]


def test_a_process_that_has_ended_is_forgotten_and_the_other_keeps_its_ages(
    file: Path, known: Callable[[int, int], Known]
) -> None:
    first, second = known(2, 8), known(4, 32)
    switch_on(file, f"pid = {first.pid}\n[[target]]\npid = {second.pid}")
    time.sleep(SECONDS)
    first.end()
    time.sleep(0.3)
    before = oldest()
    change = '[[scheme]]\nname = "count"\nquota = { size = "2TiB" }\n'
    if "obsolete_target" not in features.find(HERE):
        with pytest.raises(MachineError, match="has ended, and this kernel cannot forget it alone"):
            tune(file, change)
        assert KDAMONDS.is_on(0)
        return
    assert tune(file, change) == ["scheme count: quota.size 1TiB → 2TiB"]
    assert KDAMONDS.read("0/contexts/0/targets/nr_targets") == "1"
    assert KDAMONDS.read("0/contexts/0/targets/0/pid_target") == str(second.pid)
    assert oldest() >= before > 10 * SECONDS / 2
