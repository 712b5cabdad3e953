"""damo's command lines, as they are pasted from scripts and documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import Dest
from damopipe.errors import UsageError
from damopipe.interop.specs.reading import command_draft
from tests.interop.specs import damo, notes, only, pipeline, read, through

TIERING = """
sudo damo start \\
    ` # demote cold memory from node 0 to node 1 ` \\
    --numa_node 0 --monitoring_intervals_goal 4% 3 5ms 10s \\
        --damos_action migrate_cold 1 --damos_access_rate 0% 0% --damos_apply_interval 1s \\
        --damos_quota_interval 1s --damos_quota_space 200MB \\
        --damos_quota_goal node_mem_free_bp 0.5% 0 --damos_filter reject young \\
    --numa_node 1 --monitoring_intervals_goal 4% 3 5ms 10s \\
        --damos_action migrate_hot 0 --damos_access_rate 5% max --damos_apply_interval 1s \\
        --damos_quota_interval 1s --damos_quota_space 200MB \\
        --damos_quota_goal node_mem_used_bp 99.7% 0 --damos_filter allow young \\
        --damos_nr_quota_goals 1 1 --damos_nr_filters 1 1 \\
    --nr_targets 1 1 --nr_schemes 1 1 --nr_ctxs 1 1
"""
MARKED = (
    "damo start --damon_ctx --numa_node 0 --damos_scheme --damos_action migrate_cold 1 --damos_filter reject young "
    "--damos_quota_interval 1s --damos_quota_goal node_mem_free_bp 0.5% 0 --kdamond --damon_ctx --damon_target --numa_node 1 "
    "--damos_scheme --damos_action migrate_hot 0 --damos_filter allow young --damos_filter reject none anon "
    "--damos_quota_interval 1s --damos_quota_goal node_mem_used_bp 99.7% 0"
).replace("--damon_ctx --numa_node 0", "--kdamond --damon_ctx --damon_target --numa_node 0")


def test_the_example_of_the_design() -> None:
    found = only(
        damo(
            "damo start --ops paddr --damos_action pageout --damos_sz_region 4K max --damos_access_rate 0% 0% --damos_age 5s max"
        )
    )
    (scheme,) = found.schemes
    assert (found.operations, scheme.action, scheme.pattern.age) == ("paddr", "pageout", Bounds(min=5_000_000))


@pytest.mark.parametrize("text", [TIERING, MARKED])
def test_two_contexts_by_counts_and_by_markers(text: str) -> None:
    slow, fast = through(damo(text))
    assert (slow.targets[0].numa_node, fast.targets[0].numa_node) == (0, 1)
    assert (slow.schemes[0].target_nid, fast.schemes[0].target_nid) == (1, 0)
    assert [one.allow for one in (slow.schemes[0].filters[0], fast.schemes[0].filters[0])] == [False, True]
    assert slow.schemes[0].quota.goals[0].target_value == 50
    assert fast.schemes[0].quota.weights.model_dump() == dict.fromkeys(("size_permil", "access_permil", "age_permil"), 1)


def test_all_of_a_scheme() -> None:
    line = (
        "damo start --damos_action pageout --damos_quotas 100ms 1G 1s 0 3 7 --damos_wmarks free_mem_rate 5s 50% 40% 20% "
        "--damos_quota_goal user_input 10,000 5 --damos_quota_goal_tuner temporal --damos_quota_fail_charge_ratio 1 10 "
        "--damos_filter reject none memcg /a --damos_filter reject addr 4K 1G --damos_max_nr_snapshots 5 --refresh_stat 100 "
        "--damon_addr_unit 4K --regions '4K-8K 16K-1M' --ops paddr"
    )
    found = only(damo(line))
    (scheme,) = found.schemes
    assert (found.addr_unit, found.refresh_ms, scheme.max_nr_snapshots) == (4096, 100, 5)
    assert found.targets[0].ranges == (
        AddressRange(start_addr=4096, end_addr=8192),
        AddressRange(start_addr=16384, end_addr=1 << 20),
    )
    quota = scheme.quota
    assert (quota.time_ms, quota.size_bytes, quota.goal_tuner, quota.fail_charge_denom) == (100, 1 << 30, "temporal", 10)
    assert (quota.goals[0].target_value, quota.goals[0].current_value) == (10_000, 5)
    assert [(one.type, one.match, one.allow) for one in scheme.filters] == [("memcg", False, False), ("addr", True, False)]


def test_filters_as_they_were_written_before_2025() -> None:
    filters = "--damos_filter memcg nomatching /a allow --damos_filter anon matching --damos_nr_filters 2"
    (scheme,) = only(damo(f"damo start --damos_action stat {filters} --ops paddr")).schemes
    assert [(one.type, one.match, one.allow) for one in scheme.filters] == [("memcg", False, True), ("anon", True, False)]


def test_destinations_and_weights() -> None:
    (scheme,) = only(damo("damo start --target_pid 42 --ops vaddr --damos_action migrate_hot 0 3 1 1")).schemes
    assert scheme.dests == (Dest(id=0, weight=3), Dest(id=1, weight=1)) and scheme.target_nid is None


@pytest.mark.parametrize(
    ("target", "kind", "value"),
    [
        ("1234", "pid", 1234),
        ("'sleep 5'", "command", ("sleep", "5")),
        ("'make -j2 > log'", "command", ("bash", "-c", "make -j2 > log")),
        ("$(pidof -s mysqld)", "process_name", "mysqld"),
        ("`pidof mysqld`", "process_name", "mysqld"),
        ("--target_pid $pid", "process_name", "my-server"),
        ("'<pid>'", "process_name", "my-server"),
    ],
)
def test_targets(target: str, kind: str, value: object) -> None:
    found = only(damo(f"damo start {target}"))
    assert (found.operations, getattr(found.targets[0], kind), found.targets[0].children) == ("vaddr", value, False)


def test_a_pid_with_regions_is_watched_in_them() -> None:
    found = only(damo("damo start -r 4K-8K 1234"))
    assert found.operations == "fvaddr" and found.targets[0].initial_regions == (AddressRange(start_addr=4096, end_addr=8192),)


def test_two_processes() -> None:
    assert [one.pid for one in only(damo("damo start --ops vaddr --target_pid 10 --target_pid 11")).targets] == [10, 11]


def test_intervals_in_both_ways() -> None:
    found = only(damo("damo start --monitoring_intervals 1ms 10ms 1s -a 20000 -n 20 -m 500 paddr")).attrs
    assert (found.intervals.sample_us, found.intervals.aggr_us) == (1000, 20_000)
    assert (found.nr_regions.min, found.nr_regions.max) == (20, 500)


def test_what_damo_records() -> None:
    draft = damo("damo record --timeout 1.5 -o my.data --do_record access vmas proc_stats --access_rate 1% max 1234")
    assert (draft.record.duration_us, draft.record.also) == (1_500_000, ("mappings", "process"))
    assert only(draft).targets[0].children
    assert '[record]\nduration = "1500ms"\nalso = ["mappings", "process"]' in pipeline(draft)
    assert any("--out" in note for note in notes(draft)) and any("--access_rate" in note for note in notes(draft))


def test_snapshots_are_recorded_at_their_interval() -> None:
    record = damo("damo record --snapshot 2 5 --exclude_child_tasks 1234").record
    assert (record.snapshot_us, record.duration_us) == (2_000_000, 10_000_000)


def test_the_first_line_of_a_script_that_starts_damon() -> None:
    script = """#!/bin/bash
set -e
damo_bin="$bindir/../damo"
"$damo_bin" module stat write enabled N
"$damo_bin" start \\
    --target_pid $target_proc --ops vaddr --damos_action stat   # a comment
"$damo_bin" stop
"""
    found = only(read(script))
    assert (found.targets[0].process_name, [one.action for one in found.schemes]) == ("my-server", ["stat"])


def test_the_line_itself_stands_at_the_top() -> None:
    text = pipeline(damo("sudo damo  start \\\n  --target_pid $(pidof mysqld)"))
    assert text.startswith("# sudo damo start --target_pid $(pidof mysqld)\nversion = 1\n")


def test_an_option_that_damo_gives_to_another_scheme_is_told() -> None:
    draft = damo("damo start --damos_action hugepage --damos_action nohugepage --damos_sz_region 2M max 1234")
    assert only(draft).schemes[0].pattern.size_bytes == Bounds(min=2 << 20)
    assert notes(draft) == ["damo takes --damos_sz_region for this scheme, as its first, though it stands behind the second"]


def test_files_that_a_line_names(tmp_path: Path) -> None:
    (tmp_path / "my_scheme").write_text("4K max 0 0 60s max pageout\n")
    (tmp_path / "k.json").write_text(
        '{"kdamonds": [{"contexts": [{"ops": "paddr", "targets": [{"pid": null, "regions": []}]}]}]}'
    )
    assert only(command_draft("damo schemes -c my_scheme 1234", tmp_path)).schemes[0].action == "pageout"
    (tmp_path / "old").write_text("4K 0 0 0 60s max pageout\n")
    assert notes(command_draft("damo schemes -c old 1234", tmp_path)) == ["0 was no maximum in 2020"]
    assert only(command_draft("damo start k.json", tmp_path)).operations == "paddr"
    assert only(command_draft("damo start --kdamonds k.json", tmp_path)).operations == "paddr"
    with pytest.raises(UsageError, match="cannot be read"):
        command_draft("damo start none.json", tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("damo start --damos_action pageuot paddr", ["--damos_action", "did you mean 'pageout'"]),
        ("damo start --damos_acton pageout paddr", ["--damos_acton", "did you mean --damos_action"]),
        ("damo start --damos_age 5s", ["--damos_age", "expected 2 arguments"]),
        ("damo start --damos_age 5s max paddr", ["no --damos_action"]),
        ("damo start --damos_action pageout --damos_age 5x max --ops paddr", ["--damos_age", "'5x'"]),
        ("damo start --damos_action migrate_hot --ops paddr", ["migrate_hot", "a node"]),
        ("damo start --damos_action stat 1 --ops paddr", ["stat", "nothing"]),
        ("damo start --damos_action stat --damos_quota_goal some_mem_psi 10 --ops paddr", ["did you mean 'some_mem_psi_us'"]),
        ("damo start --damos_action stat --damos_quota_goal user_input 10 --ops paddr", ["--damos_quota_interval"]),
        ("damo start --damos_action stat --damos_filter reject anonn --ops paddr", ["did you mean 'anon'"]),
        ("damo start --damos_action stat --damos_filter maybe anon --ops paddr", ["--damos_filter", "unknown filter type"]),
        ("damo start --damos_action stat --damos_action stat --damos_filter reject anon paddr", ["--damos_filter", "whose"]),
        ("damo start --ops padr", ["--ops", "did you mean 'paddr'"]),
        ("damo start --pause_ctx 0 paddr", ["--pause_ctx", "'paddr'"]),
        ("damo start 1 2", ["one word too many"]),
        ("damo start ongoing", ["ongoing"]),
        ("damo start --regions 4K paddr", ["--regions", "'4K'"]),
        ("damo start --target_pid x", ["--target_pid", "'x'"]),
        ("damo start --monitoring_interv 1 2 3 paddr", ["ambiguous"]),
        ("damo start --ops paddr --ops paddr --damos_action stat", ["--nr_schemes"]),
        ("damo start 'x", ["ends in the middle"]),
        ("damo report wss", ["damo report", "docs/from-damo.md"]),
        ("damo reclaim enable", ["[module]"]),
        ("damo recrod paddr", ["did you mean 'record'"]),
        ("damo", ["no sub-command"]),
        ("damo record --timeout soon paddr", ["--timeout", "'soon'"]),
        ("damo start ''", ["empty"]),
        ('damo start "it\'s"', ["quotation"]),
    ],
)
def test_a_wrong_line_is_one_line(line: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        pipeline(damo(line))
    (text,) = caught.value.lines()
    assert text.startswith("damo") and text.isprintable()
    for word in words:
        assert word in text
