"""The truth that is simulated: what is touched of what, by hand, and that three ways to ask give one answer."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import UsageError
from damopipe.simulator import PAGE
from damopipe.simulator.address_space import PROGRAM, process
from damopipe.simulator.generators import GENERATORS, generated
from damopipe.simulator.laying_out import Piece, timeline
from damopipe.simulator.memory import Memory, found
from damopipe.simulator.of_run import Recorded, played
from damopipe.simulator.of_workload import sketch_of
from damopipe.simulator.physical import host
from damopipe.simulator.ranges import three_regions
from damopipe.simulator.regions import Array
from damopipe.simulator.sketch import Segment, Sketch, Spell, Use
from damopipe.simulator.timeline import Timeline
from damopipe.workload import SHAPES, load
from damopipe.workload.masim import parse

BASE = 1000 * PAGE


def memory(*uses: Use, lasts_us: int = 10**9, pages: int = 1000, ends: bool = False) -> Timeline:
    """A thousand pages, used in one way."""
    sketch = Sketch((Segment("a", pages * PAGE),), (Spell(lasts_us, uses),), ends)
    return timeline(sketch, [Piece(0, 0, pages * PAGE, BASE)], [[(BASE, BASE + pages * PAGE)]])


def rate(of: Memory, low: int, high: int, from_us: int, to_us: int) -> float:
    """Pages touched of pages [low, high), as expected."""
    edges = np.array([BASE + low * PAGE, BASE + high * PAGE], np.uint64)
    return float(of.rate(edges[:1], edges[1:], from_us, to_us)[0]) / PAGE


SWEEP = Use(0, 0, 1000 * PAGE, 2.0, is_random=False)


@pytest.mark.parametrize(
    ("low", "high", "from_us", "to_us", "pages"),
    [
        (0, 1000, 0, 100, 200),  # two pages a microsecond
        (100, 300, 0, 100, 100),  # pages 0 to 200 are swept
        (100, 300, 400, 600, 100),  # 800 to 1000, then 0 to 200
        (0, 1000, 7, 507, 1000),  # a whole round
        (0, 1000, 7, 5000, 1000),
        (0, 100, 50, 100, 0),
        (2000, 3000, 0, 1000, 0),
    ],
)
def test_a_sweep(low: int, high: int, from_us: int, to_us: int, pages: int) -> None:
    assert rate(memory(SWEEP), low, high, from_us, to_us) == pytest.approx(pages)


def test_touches_at_random() -> None:
    of = memory(Use(0, 0, 1000 * PAGE, 2.0))
    assert rate(of, 0, 1000, 0, 500) == pytest.approx(1000 * (1 - math.exp(-1)))
    assert rate(of, 250, 500, 10**6, 10**6 + 500) == pytest.approx(250 * (1 - math.exp(-1)))


def test_every_fourth_page() -> None:
    of = memory(Use(0, 0, 1000 * PAGE, 1.0, is_random=False, step=4))
    assert rate(of, 0, 1000, 0, 250) == pytest.approx(250)
    addresses = np.arange(1000, dtype=np.uint64) * np.uint64(PAGE) + np.uint64(BASE)
    touched = of.touched(addresses, 0, 100, np.random.default_rng(1))
    assert np.flatnonzero(touched).tolist() == list(range(0, 400, 4))


def test_a_sweep_that_is_laid_out_in_two_places_is_one_sweep() -> None:
    sketch = Sketch((Segment("a", 1000 * PAGE),), (Spell(10**9, (SWEEP,)),))
    pieces = [Piece(0, 500 * PAGE, 500 * PAGE, BASE), Piece(0, 0, 500 * PAGE, BASE + 5000 * PAGE)]
    of = timeline(sketch, pieces, [[]])
    assert [rate(of, low, low + 500, 200, 300) for low in (0, 5000)] == pytest.approx([100, 100]), "pages 400 to 600"


def test_what_happens_in_two_spells_adds_up_without_counting_twice() -> None:
    half, other = Use(0, 0, 500 * PAGE, 1e6), Use(0, 250 * PAGE, 750 * PAGE, 1e6)
    sketch = Sketch((Segment("a", 1000 * PAGE),), (Spell(1000, (half,)), Spell(1000, (other,))))
    of = timeline(sketch, [Piece(0, 0, 1000 * PAGE, BASE)], [[], []])
    assert rate(of, 0, 1000, 0, 1000) == pytest.approx(500)
    assert rate(of, 0, 1000, 500, 1500) == pytest.approx(750)
    assert rate(of, 0, 1000, 2500, 2600) == pytest.approx(500), "they begin again"
    assert rate(of, 0, 300, 0, 10_000) == pytest.approx(300)


def test_nothing_is_touched_after_the_end() -> None:
    of = memory(Use(0, 0, 1000 * PAGE, 1e6), lasts_us=1000, ends=True)
    assert of.ends_us == 1000
    assert rate(of, 0, 1000, 1000, 2000) == 0
    assert rate(of, 0, 1000, 900, 2000) == pytest.approx(1000)


USES = st.lists(
    st.tuples(st.integers(1, 200), st.floats(0, 5), st.booleans(), st.sampled_from([1, 1, 2, 7]), st.integers(0, 50)),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(USES, st.integers(0, 5000), st.integers(1, 500), st.integers(0, 900), st.integers(1, 100))
def test_three_ways_to_ask_give_one_answer(
    many: list[tuple[int, float, bool, int, int]], at: int, us: int, low: int, size: int
) -> None:
    uses, place = [], 0
    for pages, speed, is_random, step, gap in many:
        uses.append(Use(0, (place + gap) * PAGE, (place + gap + pages * step) * PAGE, speed, is_random, step))
        place += gap + pages * step
    of = memory(*uses, pages=place)
    start, end = (np.array([BASE + page * PAGE], np.uint64) for page in (low, low + size))
    share = float(of.rate(start, end, at, at + us)[0]) / (size * PAGE)
    assert -1e-9 <= share <= 1 + 1e-9
    rng = np.random.default_rng(1)
    samples = start[0] + (rng.random(20_000) * size * PAGE).astype(np.uint64)
    touched = of.touched(samples, at, at + us, rng).mean()
    step_error = 0.02 + (1 / size if any(use.step > 1 or not use.is_random for use in uses) else 0)
    assert touched == pytest.approx(share, abs=step_error), "page by page"
    edges = np.arange(at, at + 40 * us + 1, us)
    fast, slow = (float(np.mean([found(way, start, end, edges, rng)[0] for _ in range(10)])) for way in (of, _Slow(of)))
    mean = sum(float(of.rate(start, end, int(a), int(b))[0]) for a, b in pairwise(edges)) / (size * PAGE)
    assert fast == pytest.approx(mean, abs=4.5), "a whole aggregation at once"
    assert slow == pytest.approx(mean, abs=4.5 + 40 * (step_error - 0.02)), "and sample by sample"


class _Slow:
    """Memory that can only be asked page by page."""

    def __init__(self, of: Memory) -> None:
        self.ranges, self.touched, self.rate = of.ranges, of.touched, of.rate


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_laid_out_as_a_process(name: str) -> None:
    workload = load(name)
    made = process(sketch_of(workload))
    low, middle, high = three_regions(made.memory.ranges(10**9))
    total = sum(region.size_bytes for region in workload.regions)
    assert total <= middle[1] - middle[0] <= total + 3 * 2**20
    assert (low[0], high[1]) == (PROGRAM.mappings[0].start, PROGRAM.mappings[-1].end)
    assert made.memory.ends_us == round(workload.seconds * 1e6)
    starts = [mapping.start for mapping in made.mappings[-1]]
    assert starts == sorted(starts) and len(starts) == len(workload.regions) + 4


def test_regions_that_are_mapped_late_come_when_they_are_touched() -> None:
    made = process(sketch_of(load("growing")))
    assert [len(mappings) for mappings in made.mappings] == [5, 6, 7, 8, 9, 10, 11, 12]
    assert len(made.memory.ranges(0)) == 5 and len(made.memory.ranges(19_999_999)) == 12
    assert list(made.resident_bytes) == sorted(made.resident_bytes)


def test_weights_strides_and_speed_of_a_configuration() -> None:
    text = "a, 4MiB\nb, 4MiB\n\none\n1000\na, 0, 4096, 3\nb, 1, 1024, 1\n\nrest\n500\n\ntwice\n10\na, 0, 8192, 1\na, 1, 4096, 1\n"
    sketch = sketch_of(parse(text.replace("MiB", "194304"), "x.cfg"), touches_per_ms=4000)
    one, rest, twice = sketch.spells
    assert [(use.segment, use.touches_per_us, use.is_random, use.step) for use in one.uses] == [
        (0, 3.0, False, 1),
        (1, 0.25, True, 1),
    ]
    assert (rest.uses, rest.lasts_us) == ((), 500_000)
    assert [(use.touches_per_us, use.is_random, use.step) for use in twice.uses] == [(4.0, True, 1)]


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_use_all_their_touches_within_their_memory(name: str) -> None:
    sketch = generated(name, 20_000)
    for spell in sketch.spells:
        ends = [0]
        for use in sorted(spell.uses, key=lambda use: (use.segment, use.start)):
            assert 0 <= use.start < use.end <= sketch.segments[use.segment].size_bytes
            assert use.segment > 0 or use.start >= ends[-1]
            ends.append(use.end)
        assert sum(use.touches_per_us for use in spell.uses if use.is_random) == pytest.approx(20.0)


def test_zipf_by_hand() -> None:
    """Of a thousand pages with alpha 1, the first 10 have the share H(10) / H(1000) of the touches."""
    sketch = generated("zipf:size=4000KiB,alpha=1,islands=1", 1000)
    ten = sum(use.touches_per_us * min(1, max(0, 10 * PAGE - use.start) / (use.end - use.start)) for use in sketch.spells[0].uses)
    assert ten == pytest.approx(sum(1 / k for k in range(1, 11)) / sum(1 / k for k in range(1, 1001)), rel=0.05)


def test_diurnal_by_hand() -> None:
    sketch = generated("diurnal:size=100MiB,low=10%,high=60%,period=96s", 1000)
    sizes = [spell.uses[0].end / 2**20 for spell in sketch.spells]
    assert (min(sizes), max(sizes)) == (sizes[0], sizes[48]) == pytest.approx((10, 60), abs=0.1)
    assert sizes[24] == pytest.approx(35, abs=1)


class TestPhysical:
    def test_everything_is_somewhere_and_nothing_twice(self) -> None:
        sketch = generated("phases:size=1GiB", 20_000)
        made = host(sketch, (1 << 30, 2 << 30), seed=1)
        assert made.nodes == ((1 << 20, (1 << 30) + (1 << 20)), ((1 << 30) + (1 << 20), (3 << 30) + (1 << 20)))
        for at_s in (5, 15, 25, 35, 45):
            now = at_s * 10**6
            edges = np.array([made.nodes[0][0], made.nodes[-1][1]], np.uint64)
            assert made.memory.rate(edges[:1], edges[1:], now, now + 10**6)[0] == pytest.approx(2**28, rel=0.01)

    def test_the_same_seed_gives_the_same_places(self) -> None:
        def areas(seed: int) -> list[int]:
            made = host(generated("zipf", 20_000), (16 << 30,), seed).memory
            grid = np.arange(0, 16 << 30, 1 << 26, dtype=np.uint64)
            return [round(one) for one in made.rate(grid, grid + np.uint64(1 << 26), 0, 10**6).tolist()]

        assert areas(1) == areas(1) != areas(2)

    def test_what_does_not_fit_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"4.0 GiB do not fit into ram of 3.0 GiB; write a larger ram"):
            host(generated("diurnal", 1), (1 << 30, 2 << 30), 0)
        assert host(generated("diurnal", 1), (1 << 30, 3 << 30), 0).used_bytes == 4 << 30, "just so"


def test_a_run_that_is_played_is_accessed_as_it_was_recorded() -> None:
    def column(*values: float, kind: str = "int64") -> Array:
        return np.array(values, kind)

    run = Recorded(
        column(0, 100_000), column(100_000, 200_000), column(5_000, 5_000, kind="f8"), column(20, 20, kind="f8"), column(3, 2),
        column(0, 10, 90, 0, 90) * PAGE, column(10, 50, 100, 50, 100) * PAGE, column(20, 0, 5, 10, 0, kind="f8"),
    )  # fmt: skip
    of = played(run)
    assert of.ranges(0) == of.ranges(150_000) == [(0, 50 * PAGE), (90 * PAGE, 100 * PAGE)]
    start, end = (np.array(pages, np.uint64) * np.uint64(PAGE) for pages in ([0, 10, 90], [10, 50, 100]))
    share = of.rate(start, end, 0, 5_000) / (end - start).astype(float)
    assert share == pytest.approx([0.975, 0, 0.25]), "what was always accessed was so in at least all but half a sample"
    assert of.rate(start, end, 150_000, 155_000) / (end - start).astype(float) == pytest.approx([0.5, 0.5, 0])
    assert of.ends_us == 200_000
