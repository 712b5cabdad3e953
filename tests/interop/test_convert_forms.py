"""Each form of a spec, and what of it is written: human and raw numbers, old spellings, schemes files of every age, memtierd."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from damopipe.damon.attrs import Intervals
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import Dest
from damopipe.errors import UsageError
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import Draft
from damopipe.interop.specs.pattern import access_pair, age_pair, pattern_of
from damopipe.pipeline.planned import PlannedContext
from damopipe.units import U64_MAX
from tests.interop.specs import back, context, notes, only, pipeline, read, through

FULL: dict[str, Any] = {
    "action": "pageout",
    "dests": [],
    "access_pattern": {
        "sz_bytes": {"min": "4.000 KiB", "max": "max"},
        "nr_accesses": {"min": "0 %", "max": "30 %"},
        "age": {"min": "1 m 2 s", "max": "max"},
    },
    "apply_interval_us": "1 s",
    "quotas": {
        "time_ms": "100 ms",
        "sz_bytes": "1024.000 MiB",
        "reset_interval_ms": "1 s",
        "goals": [{"metric": "some_mem_psi_us", "complement": False, "nid": None, "target_value": "10,000", "current_value": 0}],
        "goal_tuner": "temporal",
        "effective_sz_bytes": "0 B",
        "weights": {"sz_permil": "0 %", "nr_accesses_permil": "0.3 %", "age_permil": "0.7 %"},
    },
    "watermarks": {
        "metric": "free_mem_rate", "interval_us": "5 s", "high_permil": "50 %", "mid_permil": "40 %", "low_permil": "20 %",
    },
    "filters": [{"filter_type": "anon", "matching": True, "allow": True, "memcg_path": "", "damon_target_idx": None}],
}  # fmt: skip


def of_scheme(**changes: Any) -> Draft:
    return read(context(schemes=[FULL | changes]))


def scheme_lines(draft: Draft) -> list[str]:
    text = pipeline(draft)
    return text[text.index("[[scheme]]") : text.index("# What to record")].strip().splitlines()[1:]


def test_a_scheme_is_written_as_a_person_would() -> None:
    assert scheme_lines(of_scheme()) == [
        'name = "pageout-0"',
        'action = "pageout"',
        'pattern = { size = ["4KiB", "max"], access = ["0%", "30%"], age = ["62s", "max"] }',
        'apply_interval = "1s"',
        'quota = { time = "100ms", size = "1GiB", interval = "1s", weights = { size = 0, access = 3, age = 7 }, '
        'tuner = "temporal" }',
        'goals = [{ metric = "some_mem_psi_us", target = "10ms" }]',
        'watermarks = { metric = "free_mem_rate", interval = "5s", high = "50%", mid = "40%", low = "20%" }',
        'filters = [{ type = "anon", match = true, allow = true }]',
    ]


RAW: dict[str, Any] = {
    "access_pattern": {
        "sz_bytes": {"min": "4096", "max": "18446744073709551615"},
        "nr_accesses": {"min": "0 %", "max": "30 %"},
        "age": {"min": "62000000000", "max": "18446744073709551615000"},
    },
    "apply_interval_us": "1000000",
    "quotas": FULL["quotas"] | {
        "time_ms": "100000000", "sz_bytes": "1073741824", "reset_interval_ms": "1000000000",
        "weights": {"sz_permil": "0.000000", "nr_accesses_permil": "3.000000", "age_permil": "7.000000"},
    },
    "watermarks": {
        "metric": "free_mem_rate", "interval_us": "5000000000",
        "high_permil": "500.000000", "mid_permil": "400.000000", "low_permil": "200.000000",
    },
}  # fmt: skip


def test_raw_numbers_are_the_same_scheme() -> None:
    """damo --raw has ages, quota times and the watermarks' interval in nanoseconds."""
    assert through(of_scheme(**RAW)) == through(of_scheme())


def test_raw_never_is_never() -> None:
    never = {"time_ms": "0", "sz_bytes": "4096", "goals": [], "reset_interval_ms": "18446744073709551615000000"}
    raw = of_scheme(**RAW | {"quotas": RAW["quotas"] | never})
    assert through(raw) == through(of_scheme(quotas=RAW["quotas"] | never | {"reset_interval_ms": "max"}))
    assert notes(raw) == ["damo: reset_interval max, which is never"]


def test_defaults_may_be_left_out() -> None:
    found = only(read(context(schemes=[{}])))
    (scheme,) = found.schemes
    assert (scheme.name, scheme.action, scheme.pattern.size_bytes) == ("stat-0", "stat", Bounds())
    assert found.attrs.intervals == Intervals(sample_us=5_000, aggr_us=100_000, update_us=1_000_000)
    assert (found.attrs.nr_regions.min, found.attrs.nr_regions.max) == (10, 1000)


def test_old_spellings() -> None:
    goal = {"target_value_bp": "10,000", "current_value_bp": 5}
    quotas = FULL["quotas"] | {"goals": [goal]}
    (scheme,) = only(
        of_scheme(quotas=quotas, filters=[{"type": "memcg", "matching": "Y", "filter_pass": "yes", "memcg_path": "a"}])
    ).schemes
    (found,) = scheme.quota.goals
    assert (found.metric, found.target_value, found.current_value) == ("user_input", 10_000, 5)
    (one,) = scheme.filters
    assert (one.type, one.match, one.allow, one.memcg_path) == ("memcg", True, True, "/a")


def test_every_kind_of_filter() -> None:
    given: list[dict[str, Any]] = [
        {"filter_type": "addr", "matching": True, "allow": False, "address_range": {"start": "4,096", "end": "8K"}},
        {"filter_type": "target", "matching": False, "damon_target_idx": "0"},
        {"filter_type": "hugepage_size", "matching": True, "hugepage_size": ["2.000 MiB", "max"]},
        {"filter_type": "young", "matching": False, "allow": True},
        {"filter_type": "probe_hits_wsum", "matching": True, "allow": True, "probe_hits_wsum_range": ["1", "2"]},
    ]
    draft = of_scheme(filters=given)
    addr, target, huge, young = only(draft).schemes[0].filters
    assert (addr.address, target.target_index) == (AddressRange(start_addr=4096, end_addr=8192), 0)
    assert (huge.size_bytes, young.match, young.allow) == (Bounds(min=2 << 20), False, True)
    assert any("probe_hits_wsum" in note for note in notes(draft))


def test_what_has_no_equal_is_a_comment_at_its_table() -> None:
    goals = [{"metric": "node_mem_used_bp", "nid": 0, "target_value": "99.7%", "current_value": 0, "complement": True}]
    draft = of_scheme(quotas=FULL["quotas"] | {"goals": goals}, colour="blue")
    lines = scheme_lines(draft)
    comments = [line for line in lines if line.startswith("#")]
    assert lines[: len(comments)] == comments
    assert "colour: unknown key, left out" in comments[0]
    with pytest.raises(UsageError, match="quota: unknown key; did you mean 'quotas'"):
        of_scheme(quota={})
    assert "complement" in comments[1]
    assert only(draft).schemes[0].quota.goals[0].target_value == 9970


def test_targets_of_physical_memory_are_one() -> None:
    targets: list[dict[str, Any]] = [{"pid": None, "regions": [{"start": at, "end": at + 4096}]} for at in (8192, 0)]
    draft = read({"kdamonds": [{"contexts": [{"ops": "paddr", "targets": targets}]}]})
    assert only(draft).targets[0].ranges == (
        AddressRange(start_addr=0, end_addr=4096),
        AddressRange(start_addr=8192, end_addr=12288),
    )
    assert "2 targets" in notes(draft)[0]
    targets[1]["obsolete"] = True
    text = pipeline(read({"kdamonds": [{"contexts": [{"ops": "paddr", "targets": targets}]}]}))
    assert "# damo: obsolete targets, which DAMON drops at the next commit; left out" in text


def test_a_process_that_is_not_named_is_a_parameter() -> None:
    """And never pid 1, or whoever else has some number."""
    draft = read([FULL])
    assert '[params]\nprocess = "my-server"' in pipeline(draft)
    (target,) = only(draft).targets
    assert (target.kind, target.process_name) == ("process", "my-server")
    assert back(through(draft))["kdamonds"][0]["contexts"][0]["targets"] == [{"pid": None, "obsolete": False, "regions": []}]


def test_schemes_of_lists_of_pages_are_for_physical_memory() -> None:
    assert only(read([{"action": "lru_prio"}])).operations == "paddr"


def test_several_kdamonds_are_contexts() -> None:
    one = context()["kdamonds"][0]
    draft = read({"kdamonds": [one | {"refresh_ms": "100 ms"}, {"contexts": one["contexts"] * 2}]})
    found = through(draft)
    assert [each.refresh_ms for each in found] == [100, 0, 0]
    assert "[context.monitoring]" in pipeline(draft)
    assert notes(draft) == ["damo: another context of the same kdamond; the kernel lets one have a single context"]


def test_tuned_intervals_and_probes() -> None:
    goal = {"access_bp": "4 %", "aggrs": "3", "min_sample_us": "5 ms", "max_sample_us": "10 s"}
    intervals = {"sample_us": 5000, "aggr_us": "100 ms", "ops_update_us": "1 s", "intervals_goal": goal}
    probe = {"preps": [], "weight": 3, "filters": [{"filter_type": "memcg", "matching": True, "allow": True, "path": "/a"}]}
    found = only(read(context(intervals=intervals, probes=[probe], pause=True)))
    assert found.attrs.intervals.goal is not None and found.attrs.intervals.goal.access_bp == 400
    assert (found.attrs.probes[0].weight, found.attrs.probes[0].filters[0].memcg_path, found.pause) == (3, "/a", True)


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        ("0 %", "0 %", "bp", Bounds(min=0, max=0)),
        ("5 %", "max", "bp", Bounds(min=500)),
        ("5 %", "18,446,744,073,709,551,615 %", "bp", Bounds(min=500)),
        ("50", "100 %", "bp", Bounds(min=5000, max=10_000)),
        ("12 %", "33 %", "samples", Bounds(min=2, max=6)),  # damo: 2.4 and 6.6 of 20, rounded down
        ("0.1234 %", "100 %", "samples", Bounds(min=0, max=20)),
        ("3 samples", "5 samples", "samples", Bounds(min=3, max=5)),
        ("3 samples", "4294967295 samples", "samples", Bounds(min=3)),
        ("0 %", "200 %", "samples", Bounds(min=0, max=40)),
    ],
)
def test_access_rates_keep_what_the_kernel_gets(low: str, high: str, unit: str, expected: Bounds) -> None:
    found = _pattern(access=(low, high))
    assert (found.access_unit, found.access) == (unit, expected)


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        ("5 s", "max", "us", Bounds(min=5_000_000)),
        ("min", "1 m 2 s", "us", Bounds(min=0, max=62_000_000)),
        ("150 ms", "max", "aggregations", Bounds(min=1)),  # damo: 1.5, rounded down
        ("500 ns", "max", "aggregations", Bounds(min=0)),
        ("30 aggr_intervals", "max", "aggregations", Bounds(min=30)),
        ("0", "250000", "us", Bounds(min=0, max=250_000)),
    ],
)
def test_ages_keep_what_the_kernel_gets(low: str, high: str, unit: str, expected: Bounds) -> None:
    found = _pattern(age=(low, high))
    assert (found.age_unit, found.age) == (unit, expected)


def _pattern(access: tuple[str, str] = ("min", "max"), age: tuple[str, str] = ("min", "max")) -> Any:
    intervals = Intervals(sample_us=5_000, aggr_us=100_000, update_us=1_000_000)
    size = (Fraction(0), Fraction(U64_MAX))
    return pattern_of(size, access_pair(*access), age_pair(*age), intervals, lambda text: None)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (texts.size, "4.768 MiB", Fraction("4.768") * 2**20),
        (texts.size, "200MB", 200 << 20),
        (texts.size, "1,000", 1000),
        (texts.size, 4096, 4096),
        (texts.size, "max", U64_MAX),
        (texts.micros, "1.500 us", Fraction(3, 2)),
        (texts.micros, "35 s 785 ms 205 us 727 ns", Fraction(35_785_205_727, 1000)),
        (texts.millis, "1 m 1 s", 61_000),
        (texts.millis, "20", 20),
        (texts.number, "1e3", 1000),
        (lambda text: texts.share(text, 100), "99.7 %", 9970),
        (lambda text: texts.share(text, 10), "400.000000", 400),
        (texts.truth, "Y", True),
    ],
)
def test_numbers_of_damo(parse: Any, text: object, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "4 Z", "K", None, True, [], float("nan"), "1e999999999", "9" * 100, "1.2.3"])
def test_what_is_no_number(text: object) -> None:
    for parse in (texts.number, texts.size, texts.micros, texts.millis):
        with pytest.raises(UsageError):
            parse(text)


def line(text: str) -> PlannedContext:
    return only(read(f"#min-size max-size min-acc max-acc min-age max-age action\n\n  {text}  # why\n"))


def test_seven_fields() -> None:
    (scheme,) = line("4K max 0 0 60s max pageout").schemes
    assert scheme.action == "pageout" and scheme.pattern.size_bytes == Bounds(min=4096)
    assert (scheme.pattern.access, scheme.pattern.age) == (Bounds(min=0, max=0), Bounds(min=60_000_000))


def test_nine_and_twelve_and_seventeen_fields() -> None:
    start = "4K max min min 5s max PAGEOUT 500M 1s"
    nine, twelve, seventeen = (
        line(text).schemes[0] for text in (start, f"{start} 0 3 7", f"{start} 0 3 7 free_mem_rate 5s 500 400 200")
    )
    assert (nine.quota.size_bytes, nine.quota.reset_interval_ms) == (500 << 20, 1000)
    assert (twelve.quota.weights.access_permil, twelve.quota.weights.age_permil) == (3, 7)
    assert seventeen.watermarks.interval_us == 5_000_000 and seventeen.watermarks.low_permil == 200


def test_eighteen_fields() -> None:
    (scheme,) = line("2M max 5 max min max hugepage 10ms 1G 1s 1 2 3 free_mem_rate 5s 500 400 200").schemes
    assert (scheme.quota.time_ms, scheme.quota.size_bytes, scheme.watermarks.high_permil) == (10, 1 << 30, 500)


def test_the_kernels_own_lines_are_in_samples_and_aggregations() -> None:
    """As the file `schemes` of debugfs had them, with statistics behind."""
    text = "4096 18446744073709551615 0 0 50 4294967295 2 0 524288000 1000 0 0 0 0 0 0 0 0 12 3456"
    (scheme,) = line(text).schemes
    assert (scheme.action, scheme.pattern.age_unit, scheme.pattern.age) == ("pageout", "aggregations", Bounds(min=50))
    assert (scheme.quota.size_bytes, scheme.watermarks.metric) == (524_288_000, "none")


def test_0_below_a_minimum_was_no_maximum() -> None:
    draft = read("4K 0 0 5 60s 0 pageout\n")
    (scheme,) = only(draft).schemes
    assert (scheme.pattern.size_bytes, scheme.pattern.age) == (Bounds(min=4096), Bounds(min=60_000_000))
    assert notes(draft) == ["0 was no maximum in 2020"] * 2


MEMTIERD = """
policy:
  name: age
  config: |
    intervalms: 5000
    pidwatcher:
      name: {watcher}
      config: |
        {watched}
    idledurationms: 15000
    idlenumas: [2, 3]
    activedurationms: 10000
    activenumas: [0]
    swapoutms: 60000
    tracker:
      name: damon
      config: |
        connection: bpftrace
        samplingus: 1000
        aggregationus: 1000000
        regionsupdateus: 5000000
        maxtargetregions: 2000
    mover:
      intervalms: 20
      bandwidth: 200
routines:
  - name: statactions
"""


def memtierd(watcher: str = "cgroups", watched: str = "cgroups: [/sys/fs/cgroup/foo.slice/bar, /sys/fs/cgroup/b]") -> Draft:
    pytest.importorskip("yaml", reason="PyYAML, a dependency of damopipe, is not installed: install it to force it")
    return read(MEMTIERD.replace("{watcher}", watcher).replace("{watched}", watched))


def test_memtierd_maps_to_cgroups_intervals_and_schemes() -> None:
    draft = memtierd()
    found = only(draft)
    assert [target.cgroup for target in found.targets] == ["foo.slice/bar", "b"]
    assert found.attrs.intervals == Intervals(sample_us=1000, aggr_us=1_000_000, update_us=5_000_000)
    assert (found.attrs.nr_regions.min, found.attrs.nr_regions.max) == (10, 2000)
    swap, idle, active = found.schemes
    assert (swap.action, swap.pattern.age.min, swap.quota.size_bytes) == ("pageout", 60_000_000, 200 << 20)
    assert (idle.action, idle.dests) == ("migrate_cold", (Dest(id=2, weight=1), Dest(id=3, weight=1)))
    assert (active.action, active.target_nid, active.pattern.access) == ("migrate_hot", 0, Bounds(min=1))


def test_memtierds_rest_is_listed() -> None:
    found = notes(memtierd())
    assert any("routines" in note for note in found)
    assert any("tracker damon: connection" in note for note in found)


@pytest.mark.parametrize(
    ("watcher", "watched", "kind", "value"),
    [
        ("pidlist", "pids: [42]", "pid", 42),
        ("filter", "{source: {name: proc}, filters: [{procexeregexp: '.*/meme'}]}", "process_name", "meme"),
        ("filter", "{source: {name: pidlist, config: 'pids: [7]'}, filters: [{minvmsizekb: 5}]}", "pid", 7),
        ("proc", "intervalms: 5000", "process_name", "my-server"),
    ],
)
def test_memtierds_watchers(watcher: str, watched: str, kind: str, value: object) -> None:
    assert getattr(only(memtierd(watcher, watched)).targets[0], kind) == value


YAML = """
kdamonds:
- contexts:
  - ops: vaddr
    targets: [{pid: 42, regions: []}]
    schemes:
    - &cold {action: pageout, access_pattern: {age: {min: 5 s, max: max}, nr_accesses: {min: 0 %, max: 0 %}}}
    - {<<: *cold, action: cold}
"""


def test_yaml_is_the_same_tree() -> None:
    pytest.importorskip("yaml", reason="PyYAML, a dependency of damopipe, is not installed: install it to force it")
    first, second = only(read(YAML)).schemes
    assert (first.action, second.action, first.pattern) == ("pageout", "cold", second.pattern)


BOMBS = {
    "aliases": "a: &a [x, x]\n"
    + "".join(f"b{n}: &b{n} [*{p}, *{p}]\n" for n, p in enumerate(["a", *(f"b{n}" for n in range(40))])),
    "merges": "a: &a {x: 1}\n"
    + "".join(f"b{n}: &b{n} {{<<: [*{p}, *{p}]}}\n" for n, p in enumerate(["a", *(f"b{n}" for n in range(40))])),
    "itself": "a: &a [*a]\n",
    "deep": "a: " + "[" * 5000,
    "long": "a: " + "x" * (1 << 20),
    "objects": "a: !!python/object/apply:os.system [ls]\n",
    "number": "kdamonds: 0x" + "f" * 5000,
    "tab": "a:\n\t- b\n",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_yaml_that_is_no_spec_is_one_line_at_once(text: str) -> None:
    pytest.importorskip("yaml", reason="PyYAML, a dependency of damopipe, is not installed: install it to force it")
    with pytest.raises(UsageError) as caught:
        read(text)
    assert len(str(caught.value)) < 300
