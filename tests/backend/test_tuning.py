"""What is on is changed while it runs: only what differs is written; a refusal leaves everything as it was."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from damopipe.backend.following import Following
from damopipe.backend.state import kept
from damopipe.backend.staying import start, stop
from damopipe.backend.tuning import Tuning
from damopipe.errors import MachineError, UsageError
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.sysfs import parse
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.changes import Change
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan
from tests.kernel.fake_damon import FakeDamon

SCHEMES = "contexts/0/schemes"
PIPELINE = """
version = 1
name = "stay"
[params]
quota = "128MiB"
[[target]]
physical = { regions = ["1MiB-16MiB"] }
[[scheme]]
name = "cool"
action = "pageout"
pattern = { access = ["0%", "0%"], age = ["5s", "max"] }
quota = { time = "10ms", size = "${quota}", interval = "1s" }
goals = [{ metric = "user_input", target = 100, current = 40 }]
[[scheme]]
action = "stat"
"""


@pytest.fixture(params=("6.12", "7.3"))
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDamon]:
    damon = FakeDamon(tmp_path, request.param).install(monkeypatch)
    before = damon.listing()
    yield damon
    stop(damon.machine)
    assert damon.listing() == before


def silent(text: str) -> None:
    assert "\n" not in text


def planned(damon: FakeDamon, text: str, **sets: str) -> Plan:
    file = damon.machine.run.parent / "stay.toml"
    file.write_text(text)
    return make_plan(load_pipeline(file, sets), "damon")


@pytest.fixture
def on(damon: FakeDamon) -> FakeDamon:
    start(planned(damon, PIPELINE, quota="64MiB"), damon.machine, silent)
    damon.writes.clear()
    return damon


def tune(damon: FakeDamon, text: str, dry_run: bool = False) -> list[str]:
    """The changes of a file; they are committed unless it is a dry run."""
    file = damon.machine.run.parent / "tune.toml"
    file.write_text(text)
    with Tuning(damon.machine) as tuning:
        loaded = load_pipeline(file, {}, tuning.document)
        plan = make_plan(loaded, "damon")
        changes: list[Change] = tuning.changes(plan)
        if changes and not dry_run:
            tuning.commit(plan, loaded.tree)
    return [str(change) for change in changes]


def scheme(name: str = "cool", **values: str) -> str:
    lines = "\n".join(f"{key} = {value}" for key, value in values.items())
    return f'[[scheme]]\nname = "{name}"\n{lines}\n'


def writes(damon: FakeDamon) -> list[tuple[str, str]]:
    return [(path.partition("kdamonds/0/")[2], value) for path, value in damon.writes]


def test_only_what_differs_is_written_and_committed(on: FakeDamon) -> None:
    assert tune(on, scheme(quota='{ size = "256MiB" }')) == ["scheme cool: quota.size 64MiB → 256MiB"]
    assert writes(on) == [
        ("contexts/0/targets/0/regions/nr_regions", "0"),  # what monitoring has found stays
        (f"{SCHEMES}/0/quotas/bytes", str(256 << 20)),
        ("state", "commit"),
    ]


def test_what_the_file_does_not_name_stays_also_over_several_files(on: FakeDamon) -> None:
    files = on.listing()
    tune(on, scheme(quota='{ size = "256MiB" }'))
    assert tune(on, scheme(pattern='{ age = ["8s", "max"] }')) == ["scheme cool: pattern.age 5s to max → 8s to max"]
    changed = {path.partition("kdamonds/0/")[2] for path, text in on.listing().items() if files.get(path) != text}
    assert changed == {
        "contexts/0/targets/0/regions/nr_regions",
        f"{SCHEMES}/0/quotas/bytes",
        f"{SCHEMES}/0/access_pattern/age/min",
    }
    assert tune(on, scheme(quota='{ size = "256MiB" }')) == []


def test_the_same_file_changes_nothing(on: FakeDamon) -> None:
    assert tune(on, PIPELINE.replace("128MiB", "64MiB")) == []
    assert tune(on, PIPELINE, dry_run=True) == ["scheme cool: quota.size 64MiB → 128MiB"]
    assert writes(on) == []


def test_goals_alone_need_no_whole_commit(on: FakeDamon) -> None:
    goals = '[{ metric = "user_input", target = 100, current = 90 }]'
    assert tune(on, scheme(goals=goals)) == ["scheme cool: goals[0] user_input at 100 (now 40) → user_input at 100 (now 90)"]
    assert writes(on) == [
        (f"{SCHEMES}/0/quotas/goals/0/current_value", "90"),
        ("state", "commit_schemes_quota_goals"),
    ]


def test_what_was_fed_meanwhile_stays(on: FakeDamon) -> None:
    fed = on.machine.kdamonds / f"0/{SCHEMES}/0/quotas/goals/0/current_value"
    fed.write_text("77\n")
    tune(on, scheme(goals='[{ metric = "user_input", target = 200, current = 40 }]') + scheme("more", action='"stat"'))
    assert fed.read_text() == "77\n"
    assert (fed.parent / "target_value").read_text() == "200\n"


def test_a_new_scheme_is_added_and_the_others_are_written_again(on: FakeDamon) -> None:
    before = {path: text for path, text in on.listing().items() if "/schemes/" in path}
    (line,) = tune(on, scheme("warm", action='"pageout"', pattern='{ size = ["2MiB", "max"] }'))
    assert line == "scheme warm: added: pageout regions of 2MiB to max, accessed or not, for any time"
    after = on.listing()
    assert {path for path, text in before.items() if after[path] != text} == {
        f"kernel/mm/damon/admin/kdamonds/0/{SCHEMES}/nr_schemes"
    }
    assert (on.machine.kdamonds / f"0/{SCHEMES}/2/access_pattern/sz/min").read_text() == f"{2 << 20}\n"


def test_what_is_of_a_run_is_not_kept(on: FakeDamon) -> None:
    query = on.machine.run.parent / "query.sql"
    query.write_text("SELECT 1")
    tune(on, scheme(quota='{ size = "256MiB" }') + '[[output]]\nsql_file = "query.sql"\nfile = "one.csv"\n')
    query.unlink()
    assert tune(on, scheme(quota='{ size = "1GiB" }')) == ["scheme cool: quota.size 256MiB → 1GiB"]


def test_schemes_without_names_are_matched_by_place_or_as_status_calls_them(on: FakeDamon) -> None:
    assert tune(on, scheme("stat-1", apply_interval='"2s"')) == ["scheme stat-1: apply_interval none → 2s"]
    twice = scheme(action='"pageout"') + '[[scheme]]\napply_interval = "3s"\n'
    assert tune(on, twice) == ["scheme stat-1: apply_interval 2s → 3s"]


@pytest.mark.parametrize("refused", ["commit", str(256 << 20)])
def test_a_refusal_puts_the_files_back(on: FakeDamon, refused: str) -> None:
    before, state = on.listing(), kept(on.machine)
    on.refuse(refused, errno.EINVAL)
    with pytest.raises(MachineError, match=rf"DAMON refused '{refused}' in .*Invalid argument.*; what ran before goes on"):
        tune(on, scheme(quota='{ size = "256MiB" }', filters='[{ type = "anon" }]'))
    assert on.listing() == before
    assert kept(on.machine) == state
    assert writes(on).count(("state", "commit")) == 0


def test_a_refusal_of_one_kdamond_puts_the_others_back_too(damon: FakeDamon) -> None:
    contexts = [f'[[context]]\n[[context.target]]\nphysical = {{ regions = ["{n + 1}GiB-{n + 2}GiB"] }}\n' for n in (0, 1)]
    schemes = [f'[[context.scheme]]\naction = "pageout"\nquota = {{ size = "{n + 1}MiB" }}\n' for n in (0, 1)]
    both = "".join(part for pair in zip(contexts, schemes, strict=True) for part in pair)
    start(planned(damon, 'version = 1\nname = "stay"\n' + both), damon.machine, silent)
    before, state = damon.listing(), kept(damon.machine)
    damon.refuse(str(7 << 20), errno.EINVAL)
    with pytest.raises(MachineError, match=r"DAMON refused '7340032' in .*; what ran before goes on"):
        tune(damon, "[[context]]\n" + schemes[1] + "[[context]]\n" + schemes[1].replace("2MiB", "7MiB"))
    assert damon.listing() == before
    assert kept(damon.machine) == state
    assert [path for path, value in damon.writes if value == "commit"] == ["kernel/mm/damon/admin/kdamonds/0/state"] * 2


def test_a_kdamond_that_ends_at_a_commit_is_started_again_as_it_was(on: FakeDamon) -> None:
    before = on.listing()
    on.ends_at_commit = True
    with pytest.raises(MachineError, match=r"ended at the commit: .*started again as it was, and has to learn anew"):
        tune(on, scheme(quota='{ size = "256MiB" }'))
    assert on.listing() == before
    assert writes(on)[-1] == ("state", "on")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[target]]\npid = 1\n", r"tune.toml:1: target\[0\]: is not what is watched; tune changes schemes and monitoring only"),
        ('[[target]]\nphysical = { regions = ["1MiB-8MiB"] }\n', r"the targets of what runs cannot be changed by tune"),
        ("[[context]]\n[[context]]\n", r"tune.toml:2: context\[1\]: is one more than run"),
        ('name = "other"\n', r"tune.toml:1: name: is 'other', but what runs is 'stay'"),
        ('[[scheme]]\naction = "stat"\n', r"scheme\[0\].name: is missing, and the one that runs in its place is 'cool'"),
        (scheme() + scheme(), r"tune.toml:4: scheme\[1\]: is the same running scheme as another in this file \(cool\)"),
        (
            scheme("stat-1", action='"pageuot"'),
            r"tune.toml:3: scheme\[0\].action: unknown action 'pageuot'; did you mean 'pageout'",
        ),
        (scheme("new"), r"tune.toml:1: scheme\[0\].action: is missing"),
        ('scheme = "cool"\n', r"tune.toml:1: scheme: "),
        ('[monitoring]\nsample = "200ms"\n', r"monitoring.sample: 200ms is longer than aggregation \(100ms\)"),
        ("=", r"tune.toml:1: is not TOML"),
    ],
)
def test_wrong_files_are_said_at_their_own_lines(on: FakeDamon, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tune(on, text)
    assert writes(on) == []


def test_another_address_unit_is_refused_as_the_regions_found_are_in_the_old_one(on: FakeDamon) -> None:
    with pytest.raises(UsageError, match=r"tune.toml: the addr_unit of what runs cannot be changed by tune; end it with"):
        tune(on, '[monitoring]\naddr_unit = "4KiB"\n')
    assert writes(on) == []
    tune(on, '[monitoring]\naddr_unit = "1B"\n', dry_run=True)  # what it is already


def test_nothing_is_on(damon: FakeDamon) -> None:
    with pytest.raises(UsageError, match="no schemes are on: tune changes what damopipe start FILE has left on"):
        tune(damon, scheme())
    start(planned(damon, PIPELINE), damon.machine, silent)


def test_a_kdamond_that_has_ended_or_is_anothers_is_left_alone(on: FakeDamon) -> None:
    state, pid = (on.machine.kdamonds / f"0/{name}" for name in ("state", "pid"))
    was = pid.read_text()
    pid.write_text("77\n")
    with pytest.raises(MachineError, match=r"kdamond 0 is somebody else's \(pid 77\)"):
        tune(on, scheme())
    pid.write_text(was)
    state.write_text("off\n")
    with pytest.raises(MachineError, match="kdamond 0 has ended, as its targets have"):
        tune(on, scheme())
    assert writes(on) == []


@pytest.fixture
def ended() -> Iterator[Callable[[], int]]:
    """A process that is over, but not reaped: its pid is nobody else's."""
    with subprocess.Popen(["true"]) as process:

        def wait() -> int:
            while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                pass
            return process.pid

        yield wait


def test_a_target_that_has_ended_is_forgotten_or_nothing_is_committed(damon: FakeDamon, ended: Callable[[], int]) -> None:
    start(planned(damon, PIPELINE), damon.machine, silent)
    targets = damon.machine.kdamonds / "0/contexts/0/targets"
    damon.write(str(targets / "nr_targets"), "2")
    for place, pid in enumerate((ended(), os.getpid())):
        (targets / f"{place}/pid_target").write_text(f"{pid}\n")
    (damon.machine.proc / str(ended())).symlink_to(f"/proc/{ended()}")
    damon.writes.clear()
    if damon.kernel == "6.12":
        with pytest.raises(
            MachineError, match=r"pid \d+, a target of kdamond 0, has ended, and this kernel cannot forget it alone"
        ):
            tune(damon, scheme(apply_interval='"1s"'))
        assert writes(damon) == []
        tune(damon, scheme(goals='[{ metric = "user_input", target = 200 }]'))  # which commits no targets
    else:
        tune(damon, scheme(apply_interval='"1s"'))
        assert ("contexts/0/targets/0/obsolete_target", "Y") in writes(damon)
        assert (targets / "nr_targets").read_text() == "1\n"
        assert (targets / "0/pid_target").read_text() == f"{os.getpid()}\n"
    assert (damon.machine.kdamonds / "0/state").read_text() == "on\n"


def test_an_obsolete_target_is_never_written_and_a_quota_of_no_interval_is(damon: FakeDamon) -> None:
    """With one, kernels do not switch a kdamond on (EINVAL)."""
    stay = os.getpid()
    text = f"""
version = 1
name = "stay"
[[target]]
pid = 1
obsolete = true
[[target]]
pid = {stay}
[[scheme]]
action = "pageout"
quota = {{ size = "1MiB", interval = "0s" }}
filters = [{{ type = "target", target = 1 }}]
"""
    start(planned(damon, text), damon.machine, silent)
    files = parse(Kdamonds(damon.machine).listing())[0].context
    assert [(target.pid, target.obsolete) for target in files.targets] == [(stay, False)]
    assert not [value for path, value in writes(damon) if path.endswith("obsolete_target") and value == "Y"]
    assert files.schemes[0].filters[0].target_index == 0
    assert (files.schemes[0].quota.size_bytes, files.schemes[0].quota.reset_interval_ms) == (1 << 20, 0)
    assert tune(damon, '[[scheme]]\naction = "pageout"\nquota = { interval = "2s" }\n') == [
        "scheme pageout-0: quota.interval 0us → 2s"
    ]


TUNED = PIPELINE + "[monitoring]\nautotune = {}\n"


class TestTunedIntervals:
    @pytest.fixture(params=("7.3",))
    def damon(self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDamon]:
        damon = FakeDamon(tmp_path, request.param).install(monkeypatch)
        start(planned(damon, TUNED), damon.machine, silent)
        for name, us in (("sample", 50_000), ("aggr", 1_000_000)):
            (damon.machine.kdamonds / f"0/contexts/0/monitoring_attrs/intervals/{name}_us").write_text(f"{us}\n")
        damon.writes.clear()
        yield damon
        stop(damon.machine)

    def intervals(self, damon: FakeDamon) -> list[str]:
        folder = damon.machine.kdamonds / "0/contexts/0/monitoring_attrs/intervals"
        return [(folder / f"{name}_us").read_text().strip() for name in ("sample", "aggr")]

    def test_they_stay_and_ages_are_counted_in_them(self, damon: FakeDamon) -> None:
        assert tune(damon, TUNED) == []
        assert tune(damon, scheme(quota='{ size = "1GiB" }')) == ["scheme cool: quota.size 128MiB → 1GiB"]
        assert self.intervals(damon) == ["50000", "1000000"]
        age = damon.machine.kdamonds / f"0/{SCHEMES}/0/access_pattern/age/min"
        assert age.read_text() == "5\n"  # 5 s, which were 50 aggregations at the start

    def test_they_change_when_the_file_gives_another(self, damon: FakeDamon) -> None:
        assert tune(damon, '[monitoring]\nsample = "10ms"\n') == ["monitoring: sample 50ms → 10ms"]
        assert self.intervals(damon) == ["10000", "1000000"]


GUARDED = PIPELINE.replace("current = 40 }", 'feed = { command = ["true"] } }') + '[guard]\ncommand = ["true"]\n'


def test_a_guard_and_a_feed_are_for_a_follower_to_take_up(damon: FakeDamon) -> None:
    """No file of the kernel differs: who stays with the schemes reads them from the state file."""
    with Following(planned(damon, PIPELINE), damon.machine, silent):
        damon.writes.clear()
        changes = tune(damon, GUARDED)
        assert changes == [
            "scheme cool: goals[0] user_input at 100 (now 40) → user_input at 100",
            "feeds: cool goal 0 none → the command true every 1s",
            "pipeline: guard none → stop once the command true fails for 10s, looked at every 1s",
        ]
        kept_plan = Plan.model_validate_json((kept(damon.machine) or pytest.fail()).plan or "")
        assert kept_plan.guard is not None and len(list(kept_plan.feeds)) == 1
        damon.writes.clear()
        assert tune(damon, '[guard]\ncommand = ["false"]\n') == [
            "pipeline: guard stop once the command true fails for 10s, looked at every 1s → "
            "stop once the command false fails for 10s, looked at every 1s"
        ]
        assert writes(damon) == []
    start(planned(damon, PIPELINE), damon.machine, silent)


def test_without_a_follower_a_guard_is_refused(on: FakeDamon) -> None:
    with pytest.raises(UsageError, match=r"\[guard\], scheme\[0\].goals\[0\].feed need damopipe start --follow"):
        tune(on, GUARDED)
    assert writes(on) == []
