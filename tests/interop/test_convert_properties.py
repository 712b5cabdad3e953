"""There and back gives the same, for anything that a pipeline can say; anything else is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from damopipe.backend.staging import kdamond_of
from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Quota, Scheme
from damopipe.errors import DamopipeError
from damopipe.interop.specs.damo_text import damo_text
from damopipe.interop.specs.draft import Draft
from damopipe.interop.specs.reading import decoded, draft_of, is_pipeline
from damopipe.kernel.features import of_version
from damopipe.kernel.sysfs import render
from damopipe.outputs.surroundings import check_pipeline
from damopipe.pipeline.planned import PlannedContext, PlannedTarget
from tests.damon.strategies import kdamonds
from tests.interop.damo_specs import NEVER_MS, noun_of, tree_of, writers
from tests.interop.sensible import contexts, sensible
from tests.interop.specs import back, pipeline, planned, read, through

SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None, max_examples=25)
ROOT = Path(__file__).parents[2]
MANY = st.lists(contexts(), min_size=1, max_size=2).map(tuple)
WHOLE = """
{"kdamonds": [{"refresh_ms": 0, "contexts": [{"ops": "paddr", "addr_unit": "1 B",
  "targets": [{"pid": null, "obsolete": false, "regions": [{"start": "4,294,967,296", "end": "5,368,709,120"}]}],
  "intervals": {"sample_us": "5 ms", "aggr_us": "100 ms", "ops_update_us": "1 s",
    "intervals_goal": {"access_bp": "4 %", "aggrs": "3", "min_sample_us": "5 ms", "max_sample_us": "10 s"}},
  "nr_regions": {"min": "10", "max": "1,000"}, "pause": false,
  "probes": [{"filters": [{"filter_type": "anon", "matching": true}]}],
  "schemes": [{"action": "migrate_cold", "dests": [{"id": 1, "weight": 2}],
    "access_pattern": {"sz_bytes": {"min": "4.000 KiB", "max": "max"}, "nr_accesses": {"min": "0 %", "max": "5 %"},
      "age": {"min": "1 m 2 s", "max": "max"}}, "apply_interval_us": "1 s",
    "quotas": {"time_ms": "100 ms", "sz_bytes": "1024.000 MiB", "reset_interval_ms": "1 s",
      "goals": [{"metric": "node_mem_free_bp", "nid": "0", "target_value": "5,000", "current_value": "0"}],
      "weights": {"sz_permil": "0 %", "nr_accesses_permil": "0.3 %", "age_permil": "0.7 %"}},
    "watermarks": {"metric": "free_mem_rate", "interval_us": "5 s", "high_permil": "50 %", "mid_permil": "40 %",
      "low_permil": "20 %"},
    "filters": [{"filter_type": "hugepage_size", "matching": true, "allow": true, "hugepage_size": ["2 M", "1 G"]}]}]}]}]}
"""
LINES = """# comment
4K max min min 5s max pageout 500M 1s
2M max 0 0 7s max nohugepage 10ms 1M 1s 0 3 7 free_mem_rate 5s 500 400 200
"""
COMMAND = """damo start --ops paddr --damos_action migrate_hot 0 1 1 2 \\
  --damos_filter reject none memcg /a --damos_quotas 1 2M 1s 0 3 7
"""
MEMTIERD = """policy:
  name: age
  config: |
    intervalms: 5000
    pidwatcher: {name: cgroups, config: "cgroups: [/sys/fs/cgroup/a]"}
    idledurationms: 15000
    idlenumas: [2, 3]
    tracker: {name: idlepage, config: "scanintervalms: 4000"}
"""
SPECS = {"kdamonds": WHOLE, "lines": LINES, "command": COMMAND, "memtierd": MEMTIERD}


def counted(context: PlannedContext) -> PlannedContext:
    """With every pattern in the kernel's own numbers, whose largest is no limit."""
    return context.model_copy(
        update={"schemes": tuple(_counted(one.counted(context.attrs.intervals)) for one in context.schemes)}
    )


def _counted(scheme: Scheme) -> Scheme:
    bounds = {name: getattr(scheme.pattern, name) for name in ("access", "age")}
    opened = {name: one.model_copy(update={"max": None}) for name, one in bounds.items() if (one.max or 0) >= 2**32 - 1}
    return scheme.model_copy(update={"pattern": scheme.pattern.model_copy(update=opened)})


@SLOW
@given(MANY)
def test_what_a_draft_says_is_what_its_pipeline_plans(given_contexts: tuple[PlannedContext, ...]) -> None:
    found = through(Draft("a test", contexts=list(given_contexts)))
    assert _named_processes(found) == _named_processes(given_contexts)


@SLOW
@given(MANY)
def test_a_pipeline_comes_back_from_damos_json_as_the_same_plan(given_contexts: tuple[PlannedContext, ...]) -> None:
    draft = read(damo_text(given_contexts))
    assert tuple(map(counted, draft.contexts)) == tuple(map(counted, given_contexts))


LONG = PlannedContext(
    operations="vaddr",
    attrs=Attrs(
        intervals=Intervals(sample_us=1, aggr_us=42_949_672_950_001, update_us=42_949_672_950_001),
        nr_regions=RegionLimits(min=3, max=3),
    ),
    targets=(PlannedTarget(kind="pid"),),
    schemes=(Scheme(name="stat-0", action="stat", pattern=AccessPattern(access=Bounds(min=1, max=2), age=Bounds(min=0, max=0))),),
)
"""A hundredth of a percent of its samples are more than the kernel counts in 32 bits."""


@SLOW
@given(MANY)
@example((LONG,))
def test_damos_json_comes_back_from_a_pipeline_as_the_same_json(given_contexts: tuple[PlannedContext, ...]) -> None:
    text = damo_text(given_contexts)
    assert back(through(read(text))) == json.loads(text)


@pytest.mark.parametrize("kernel", ["6.12", "7.3"])
@SLOW
@given(data=st.data())
def test_any_spec_that_a_kernel_takes_comes_back_from_its_pipeline_with_every_number(kernel: str, data: st.DataObject) -> None:
    """damo's spec to a pipeline and back; what the two specs say to the kernel is read by damo's rules alone."""
    known = of_version(kernel)
    nouns = [_noun(sensible(one)) for one in data.draw(st.lists(kdamonds(known), min_size=1, max_size=2))]
    write = data.draw(st.composite(writers)())
    bare = data.draw(st.booleans())
    came = back(through(read({"kdamonds": [tree_of(one, write, bare) for one in nouns]})))
    found = [noun_of(tree) for tree in came["kdamonds"]]
    assert list(map(_in_force, found)) == list(map(_in_force, nouns))
    assert render(found, known)  # and nothing that this kernel lacks


@pytest.mark.parametrize("kernel", ["6.12", "7.3"])
@SLOW
@given(data=st.data())
def test_any_pipeline_comes_back_from_damos_spec_as_the_same_file(kernel: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(kdamonds(of_version(kernel)), min_size=1, max_size=2))
    text = pipeline(Draft("damo's kdamonds", contexts=[sensible(one) for one in drawn]))
    assert pipeline(read(damo_text(planned(text)))) == text


def _noun(context: PlannedContext) -> Kdamond:
    targets = [Target(pid=t.pid, regions=t.ranges or t.initial_regions, obsolete=t.obsolete) for t in context.targets]
    return kdamond_of(context, targets)


def _in_force(noun: Kdamond) -> Kdamond:
    """Without the interval of a quota that has nothing to be full of: no kernel looks at it."""
    schemes = [
        one.model_copy(update={"quota": one.quota.model_copy(update={"reset_interval_ms": 0})}) if _is_idle(one.quota) else one
        for one in noun.context.schemes
    ]
    return noun.model_copy(update={"context": noun.context.model_copy(update={"schemes": tuple(schemes)})})


def _is_idle(quota: Quota) -> bool:
    return quota.reset_interval_ms in (0, NEVER_MS) and quota.model_copy(update={"reset_interval_ms": 0}) == Quota()


def _named_processes(found: tuple[PlannedContext, ...]) -> list[PlannedContext]:
    """A process without a pid is one that the pipeline finds by a parameter's name."""
    kept = []
    for context in found:
        targets = [
            one.model_copy(update={"kind": "pid", "process_name": None}) if one.process_name == "my-server" else one
            for one in context.targets
        ]
        kept.append(context.model_copy(update={"targets": tuple(targets)}))
    return kept


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_truncation_is_a_pipeline_or_one_line(spec: str) -> None:
    for end in range(len(spec)):
        _attempt(spec[:end].encode())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SPECS.values())), st.data())
def test_every_mutation_is_a_pipeline_or_one_line(spec: str, data: st.DataObject) -> None:
    raw = bytearray(spec.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(
            st.sampled_from([b"", b"-", b"9" * 30, b"max", b"null", b"[", b"}", b'"', b"\xff", b"\0", b"%", b"e99"])
        )
        raw[at : at + data.draw(st.integers(0, 6))] = piece
    _attempt(bytes(raw))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_one_line(raw: bytes) -> None:
    _attempt(raw)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_value_in_any_place_is_a_pipeline_or_one_line(data: st.DataObject) -> None:
    """Also what no text comes to by a few changes: a list for a number, a table for a list."""
    tree = json.loads(WHOLE)
    node = tree
    while True:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        key = data.draw(st.sampled_from(list(keys)))
        if not node[key] or not isinstance(node[key], dict | list) or data.draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    odd: list[object] = [
        None,
        True,
        -1,
        1e300,
        2**70,
        "",
        "x",
        "\ud800",
        "${a}",
        "\x7f#\n",
        [],
        {},
        [[]],
        {"a": []},
        "9" * 80,
        "nan",
        "-0",
        "1 m 2",
    ]
    node[key] = data.draw(st.sampled_from(odd))
    _attempt(json.dumps(tree).encode())


def _attempt(raw: bytes) -> None:
    """Converts, whatever comes; only errors of ours, each with one line, and of a pipeline that is refused every problem."""
    try:
        text = decoded(raw, "a spec")
        if is_pipeline(text):
            check_pipeline(Path("a spec"), text)
            return
        made = pipeline(draft_of(text, "a spec", ROOT / "tests"))
    except DamopipeError as error:
        assert all(line and line.isprintable() for line in error.lines()), error.lines()
        return
    try:
        planned(made)
    except DamopipeError as error:
        assert not any("is not TOML" in line for line in error.lines()), made
