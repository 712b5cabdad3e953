"""What doctor says of a pipeline: what it needs, does not find here, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.doctor import examine
from damopipe.doctor.findings import Finding
from damopipe.doctor.pipeline import judge
from damopipe.kernel import features
from damopipe.kernel.machine import Machine
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from tests import abi

HEAD = 'version = 1\nname = "a"\n'
PID = HEAD + "[[target]]\npid = 7\n"
PHYSICAL = HEAD + "[[target]]\nphysical = {}\n"
SCHEME = '[[scheme]]\naction = "{}"\n'
THP = "kernel/mm/transparent_hugepage/enabled"
Judge = Callable[..., list[Finding]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Where all is well, with a process 7."""
    made = abi.fake_machine(tmp_path / "root", "7.3")
    abi.put(made.proc / "7/stat", f"7 (server) S {' '.join(['1'] * 50)}\n")
    abi.put(made.sys / "fs/cgroup/app/memory.current", "4096\n")
    return made


@pytest.fixture
def judged(tmp_path: Path, machine: Machine) -> Judge:
    def on(text: str, backend: str = "damon", here: Machine | None = None) -> list[Finding]:
        file = tmp_path / "pipe.toml"
        file.write_text(text)
        plan = make_plan(load_pipeline(file, {}), backend)
        return list(judge(plan, here or machine, features.find(here or machine)))

    return on


def told(findings: list[Finding]) -> dict[str, tuple[str, str]]:
    return {one.about: (one.state, one.text) for one in findings if one.state != "ok"}


def test_where_nothing_is_missing_it_says_what_was_looked_for(judged: Judge) -> None:
    assert [(one.state, one.text) for one in judged(PID)] == [
        (
            "ok",
            "all there, with the Linux that brought it: DAMON's sysfs files (5.18), the operations set 'vaddr' (5.15), "
            "recording every aggregation (5.15)",
        )
    ]


class TestModules:
    RECLAIM = HEAD + '[module]\nname = "reclaim"\n'

    def meminfo(self, machine: Machine, free_percent: int) -> None:
        abi.put(machine.proc / "meminfo", f"MemTotal: 1000 kB\nMemFree: {free_percent * 10} kB\n")

    def test_all_is_there(self, judged: Judge, machine: Machine) -> None:
        self.meminfo(machine, 30)
        text = "all there, with the Linux that brought it: the module DAMON_RECLAIM (5.16)"
        assert [(one.state, one.text) for one in judged(self.RECLAIM)] == [("ok", text)]

    def test_while_enough_is_free_it_does_nothing(self, judged: Judge, machine: Machine) -> None:
        self.meminfo(machine, 72)
        (note,) = [one for one in judged(self.RECLAIM) if one.state == "note"]
        assert note.about == "module.parameters.wmarks_mid"
        assert note.text == "72% of memory is free now, and DAMON_RECLAIM only begins to work with 20% to 40% free"

    def test_what_it_would_work_with(self, judged: Judge, machine: Machine) -> None:
        self.meminfo(machine, 30)
        abi.put(machine.proc / "swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        (machine.proc / "pressure/memory").unlink()
        found = told(judged(self.RECLAIM + 'parameters = { quota_mem_pressure_us = "1ms" }\n'))
        assert found["module"] == ("note", "there is no swap, so that only memory of files can be paged out")
        expected = ("missing", "this kernel keeps no account of memory pressure")
        assert found["module.parameters.quota_mem_pressure_us"] == expected

    def test_what_came_later(self, judged: Judge, tmp_path: Path) -> None:
        old = abi.fake_machine(tmp_path / "old", "6.12")
        assert told(judged(HEAD + '[module]\nname = "stat"\n', here=old))["module.name"] == (
            "missing",
            "the module DAMON_STAT needs Linux 6.17; this kernel is 6.12.95+deb12-cloud-amd64",
        )
        self.meminfo(old, 30)
        flaw = told(judged(self.RECLAIM, here=old))["module.name"]
        assert flaw[0] == "note"
        assert "of Linux 6.11 and later loses its scheme when it starts, and reclaims nothing; that was mended in 6.17" in flaw[1]
        found = told(judged(self.RECLAIM + 'parameters = { addr_unit = "2B" }\n', here=old))
        assert found["module.parameters.addr_unit"][1].startswith("the parameter addr_unit of DAMON_RECLAIM needs Linux 6.18")


def test_features_of_a_newer_kernel(judged: Judge, tmp_path: Path) -> None:
    old = abi.fake_machine(tmp_path / "old", "6.12")
    found = judged(PHYSICAL + SCHEME.format("pageout") + 'filters = [{ type = "anon", allow = true }]\n', here=old)
    assert told(found) == {
        "scheme[0].filters[0].allow": (
            "missing",
            "a filter that lets through needs Linux 6.14; this kernel is 6.12.95+deb12-cloud-amd64",
        )
    }
    assert found[0].advice == "boot a newer kernel, or leave it out"


def test_without_damon_the_features_are_not_counted_up(judged: Judge, tmp_path: Path) -> None:
    nowhere = abi.fake_machine(tmp_path / "none", damon=False)
    assert "monitoring.operations" not in told(judged(PHYSICAL, here=nowhere))


@pytest.mark.parametrize(
    ("target", "about", "words"),
    [
        ("pid = 8", "target[0].pid", "no such process"),
        ('process = { name = "nope" }', "target[0].process", "no such process now"),
        ('cgroup = "nope"', "target[0].cgroup", "no such process now"),
        ('command = ["./nope"]', "target[0].command", "not to be found"),
        ("physical = { numa_node = 4 }", "target[0].physical.numa_node", "no node 4 with memory"),
    ],
)
@pytest.mark.parametrize("backend", ["damon", "procfs"])
def test_targets_that_are_not_there(backend: str, target: str, about: str, words: str, judged: Judge) -> None:
    found = told(judged(f"{HEAD}[[target]]\n{target}\n", backend))
    assert found[about][0] == "missing"
    assert words in found[about][1]


@pytest.mark.parametrize("target", ['command = ["sh", "-c", "true"]', 'workload = "stairs"', "pid = 7"])
def test_targets_that_are_there(target: str, judged: Judge) -> None:
    assert told(judged(f"{HEAD}[[target]]\n{target}\n", "procfs")) == {}


def test_a_command_is_not_started(judged: Judge, tmp_path: Path) -> None:
    script = tmp_path / "touch.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-here\n")
    script.chmod(0o755)
    assert told(judged(f'{HEAD}[[target]]\ncommand = ["{script}"]\n')) == {}
    assert not (tmp_path / "was-here").exists()


def test_every_aggregation_needs_tracefs_and_snapshots_do_not(judged: Judge, tmp_path: Path) -> None:
    bare = abi.fake_machine(tmp_path / "bare", tracefs=False)
    assert "not mounted" in told(judged(PHYSICAL, here=bare))["record.regions"][1]
    assert told(judged(PHYSICAL + '[record]\nregions = "1s"\n', here=bare)) == {}


@pytest.mark.parametrize(("head", "state"), [(PID, "missing"), (PHYSICAL, "note")])
def test_pageout_without_swap(head: str, state: str, judged: Judge, machine: Machine) -> None:
    assert told(judged(head + SCHEME.format("pageout"))) == {}
    abi.put(machine.proc / "swaps", "Filename Type Size Used Priority\n")
    found = judged(head + SCHEME.format("pageout"))
    assert told(found)["scheme[0].action"][0] == state
    assert any("zram" in one.advice for one in found)


@pytest.mark.parametrize(
    ("mode", "state"), [("always madvise [never]", "missing"), ("[always] madvise never", "note"), (None, "missing")]
)
def test_huge_pages(mode: str | None, state: str, judged: Judge, machine: Machine) -> None:
    path = machine.sys / THP
    assert told(judged(PID + SCHEME.format("hugepage"))) == {}
    if mode:
        abi.put(path, mode)
    else:
        path.unlink()
    assert told(judged(PID + SCHEME.format("hugepage")))["scheme[0].action"][0] == state


def test_collapse_needs_huge_pages_but_asks_for_no_setting(judged: Judge, machine: Machine) -> None:
    abi.put(machine.sys / THP, "always madvise [never]")
    assert told(judged(PID + SCHEME.format("collapse"))) == {}
    (machine.sys / THP).unlink()
    assert told(judged(PID + SCHEME.format("collapse")))["scheme[0].action"][0] == "missing"


@pytest.mark.parametrize(
    ("top", "sizes", "state"),
    [
        ("never", {"2048": "madvise"}, None),
        ("never", {"2048": "inherit"}, "missing"),
        ("never", {"64": "always", "2048": "inherit"}, None),
        ("madvise", {"64": "never", "2048": "inherit"}, None),
        ("madvise", {"64": "never", "2048": "never"}, "missing"),
        ("madvise", {"1024": "never", "64": "never", "2048": "always"}, "note"),
        ("always", {"2048": "inherit"}, "note"),
    ],
)
def test_huge_pages_of_each_size(top: str, sizes: dict[str, str], state: str | None, judged: Judge, machine: Machine) -> None:
    abi.put(machine.sys / THP, " ".join(f"[{word}]" if word == top else word for word in ("always", "madvise", "never")))
    for size, mode in sizes.items():
        abi.put((machine.sys / THP).parent / f"hugepages-{size}kB/enabled", f"always inherit [{mode}]")
    assert told(judged(PID + SCHEME.format("hugepage"))).get("scheme[0].action", (None,))[0] == state


def test_nodes_cgroups_and_pressure(judged: Judge, machine: Machine) -> None:
    scheme = """
[[scheme]]
action = "migrate_cold"
target_nid = 5
quota = { interval = "1s" }
goals = [{ metric = "node_memcg_used_bp", nid = 6, memcg = "/gone", target = 50 }, { metric = "some_mem_psi_us", target = 500 }]
filters = [{ type = "memcg", memcg = "/app" }, { type = "memcg", memcg = "gone" }]
"""
    (machine.proc / "pressure/memory").unlink()
    assert {about: text for about, (state, text) in told(judged(PHYSICAL + scheme)).items() if state == "missing"} == {
        "scheme[0].target_nid": "there is no node 5 with memory",
        "scheme[0].goals[0].nid": "there is no node 6 with memory",
        "scheme[0].goals[0].memcg": "there is no cgroup '/gone'",
        "scheme[0].goals[1].metric": "this kernel keeps no account of memory pressure",
        "scheme[0].filters[1].memcg": "there is no cgroup '/gone'",
    }


def test_dests_are_looked_at_one_by_one(judged: Judge) -> None:
    scheme = SCHEME.format("migrate_hot") + "dests = [{ node = 0, weight = 1 }, { node = 9, weight = 1 }]\n"
    assert told(judged(PID + scheme))["scheme[0].dests[1].node"][1] == "there is no node 9 with memory"


MEMCG = 'filters = [{ type = "memcg", memcg = "/app" }]\n'


def test_cgroups_are_sought_in_the_hierarchy_of_the_memory_controller(judged: Judge, machine: Machine) -> None:
    about, pipeline = "scheme[0].filters[0].memcg", PHYSICAL + SCHEME.format("stat") + MEMCG
    app = machine.sys / "fs/cgroup/app"
    assert about not in told(judged(pipeline))
    (app / "memory.current").unlink()
    assert told(judged(pipeline))[about] == ("missing", "the cgroup '/app' has no memory controller")
    (machine.sys / "fs/cgroup/cgroup.controllers").unlink()
    assert told(judged(pipeline))[about][0] == "unknown"
    abi.put(machine.sys / "fs/cgroup/memory/cgroup.procs", "")
    assert told(judged(pipeline))[about] == ("missing", "there is no cgroup '/app'")
    abi.put(machine.sys / "fs/cgroup/memory/app/memory.usage_in_bytes", "0\n")
    assert about not in told(judged(pipeline))


def test_everything_outside_of_cgroups_is_one_too(judged: Judge) -> None:
    assert told(judged(PHYSICAL + SCHEME.format("stat") + MEMCG.replace("/app", "/"))) == {}


def test_a_quota_that_is_long_in_coming_around(judged: Judge, machine: Machine) -> None:
    abi.put(machine.proc / "meminfo", f"MemTotal:       {8 << 20} kB\n")
    scheme = SCHEME.format("pageout") + 'quota = {{ size = "{}", interval = "1s" }}\n'
    assert told(judged(PHYSICAL + scheme.format("1MiB")))["scheme[0].quota.size"] == (
        "note", "with 1MiB every 1s, once through 8.0 GiB takes 2 h 16 m"
    )  # fmt: skip
    assert told(judged(PHYSICAL + scheme.format("4MiB"))) == {}
    assert told(judged(PHYSICAL.replace("{}", '{ regions = ["0B-1GiB"] }') + scheme.format("1MiB"))) == {}
    assert told(judged(PID + scheme.format("1MiB"))) == {}  # nobody knows what it will map
    assert told(judged(PHYSICAL + scheme.format("1MiB").replace("pageout", "stat"))) == {}


def test_notes_of_the_file_are_told_too(tmp_path: Path, machine: Machine) -> None:
    file = tmp_path / "pipe.toml"
    file.write_text(PID + SCHEME.format("cold") + 'filters = [{ type = "anon" }]\n')
    verdict = examine(machine, load_pipeline(file), "damon").pipeline
    assert verdict is not None
    found = told(list(verdict.findings))
    assert found["scheme[0].filters[0].type"][0] == "note"
    assert "passes over filters of type 'anon' for cold" in found["scheme[0].filters[0].type"][1]


def test_stat_of_an_older_kernel_counts_what_filters_should_leave_alone(judged: Judge, tmp_path: Path) -> None:
    old = abi.fake_machine(tmp_path / "old", "6.12")
    filtered = PHYSICAL + SCHEME.format("stat") + 'filters = [{ type = "addr", address = "4GiB-8GiB" }, { type = "anon" }]\n'
    found = told(judged(filtered, here=old))
    assert list(found) == ["scheme[0].filters[1].type"]
    assert "passes over 'anon' for stat" in found["scheme[0].filters[1].type"][1]
    assert told(judged(filtered)) == {}
    assert told(judged(filtered.replace('"stat"', '"pageout"'), here=old)) == {}


def test_intervals_that_find_nothing_in_a_large_memory(judged: Judge, machine: Machine) -> None:
    assert told(judged(PHYSICAL)) == {}
    abi.put(machine.proc / "meminfo", f"MemTotal:       {64 << 20} kB\n")
    assert "64.0 GiB" in told(judged(PHYSICAL))["monitoring.aggregation"][1]
    tuned = 'autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "10s" }'
    assert told(judged(f"{PHYSICAL}[monitoring]\n{tuned}\n")) == {}
    assert told(judged(PHYSICAL + '[monitoring]\nsample = "100ms"\naggregation = "2s"\n')) == {}


def test_few_samples_are_noted(judged: Judge) -> None:
    found = told(judged(PID + '[monitoring]\nsample = "50ms"\naggregation = "100ms"\n'))
    assert found["monitoring.aggregation"] == ("note", "2 samples an aggregation tell hot from warm badly")


def test_own_process_is_a_target_here(judged: Judge) -> None:
    assert told(judged(f"{HEAD}[[target]]\npid = {os.getpid()}\n", "procfs", Machine())) == {}


def test_what_a_guard_and_a_feed_look_at(judged: Judge) -> None:
    feed = 'quota = { size = "1MiB" }\ngoals = [{ metric = "user_input", target = 5, feed = { psi = "io.some.avg10" } }]\n'
    found = judged(PHYSICAL + SCHEME.format("pageout") + feed + '[guard]\ncommand = ["./no-such-check"]\n')
    assert told(found)["guard.command"] == ("missing", "'./no-such-check' is not to be found from here")
    assert "does not tell io.some.avg10" in told(found)["scheme[0].goals[0].feed.psi"][1]
    guard = '[guard]\nmetric = "psi.memory.some.avg10"\nabove = "5%"\n'
    assert "guard.metric" not in told(judged(PHYSICAL + SCHEME.format("pageout") + guard))
