"""What-if on runs whose answers are known: by hand, and by a machine that follows every page by itself."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import StageError, UsageError
from damopipe.pipeline.variants import variants_of
from damopipe.whatif import churn, replay
from damopipe.whatif.outcome import Answer
from damopipe.whatif.reading import pieces
from damopipe.whatif.spells import WITHIN_US
from tests.rows import PAGE, Sql, batch
from tests.whatif.layout import AGGR_US, GONE, Row, ages_of, recorded

COLD = {"action": "pageout", "pattern": {"access": ["0%", "0%"], "age": [["2s", "5s"], "max"]}}
HIGH = 2**63 + 2**30


def asked(sql: Sql, run_id: int, *schemes: dict[str, Any], objective: float = 0.2) -> Answer:
    with sql.store.asking() as query:
        return replay.replay(query, run_id, variants_of(list(schemes or [COLD]), "test"), objective)


class TestByHand:
    ROWS: Sequence[Row] = [  # a hot page; one that rests for 4 s and for 7 s; three that nobody touches
        [9, 9 if t in (0, 5, 13) else 0, 0, 0, 0] for t in range(16)
    ]
    FIRST = (5, 5, 0, 0, 0)

    def test_every_number_of_it(self, sql: Sql) -> None:
        two, five = asked(sql, recorded(sql, self.ROWS, self.FIRST)).outcomes
        # The page rests with ages 0..3 at 1..4, with 0..6 at 6..12, and with 0, 1 at the end. DAMON had looked for 6 s.
        assert (two.selected_bytes, five.selected_bytes) == (5 * PAGE, 4 * PAGE)
        assert (two.touched_bytes, five.touched_bytes) == (2 * PAGE, PAGE)
        # Age 2: reached at 3, touched at 5; reached at 8, touched at 13. Age 5: reached at 11, touched at 13.
        assert two.within_bytes == (0, 2 * PAGE, 2 * PAGE, 2 * PAGE)
        assert five.within_bytes == (0, PAGE, PAGE, PAGE)
        # In the pattern: the page for 2 s and 5 s; the others from age 2 (at 2) and 5 (at 5) on, until 15.
        assert two.stayed_us == pytest.approx((7 + 3 * 14) / 5 * AGGR_US)
        assert five.stayed_us == pytest.approx((2 + 3 * 11) / 4 * AGGR_US)
        assert two.saved_bytes == pytest.approx((7 + 3 * 14) * PAGE / 16)
        assert (two.known_seconds, five.known_seconds) == (16, 16)
        # As the kernel counts, an age is reached again and again: at 2, 4, … 14, and at 5, 10, 15.
        assert two.tried_bytes == (1 + 3 + 3 * 7) * PAGE
        assert five.tried_bytes == (1 + 3 * 3) * PAGE

    def test_the_rate_is_of_the_working_set_a_minute(self, sql: Sql) -> None:
        answer = asked(sql, recorded(sql, self.ROWS, self.FIRST))
        assert answer.working_set_bytes == pytest.approx(5 * PAGE)  # all changed within what is known
        two, five = answer.outcomes
        assert two.promotion_percent == pytest.approx(100 * 2 * 60 / 16 / 5)
        assert five.promotion_percent == pytest.approx(100 * 1 * 60 / 16 / 5)
        assert answer.recommended() is None
        kept = asked(sql, sql.run_id, objective=100.0).recommended()
        assert kept is not None and kept.age_us == 5_000_000
        assert asked(sql, sql.run_id, objective=200.0).recommended().age_us == 2_000_000  # type: ignore[union-attr]

    def test_what_was_resident_is_told_from_what_never_was(self, sql: Sql) -> None:
        run_id = recorded(sql, self.ROWS, self.FIRST)
        sql.store.append(run_id, [batch("process", {"ts": 1, "pid": 9, "role": "target", "rss_bytes": 4 * PAGE})])
        two, _ = asked(sql, run_id).outcomes
        # One of the five is not there. From 2 s on that is one of those that are selected.
        assert two.resident_bytes == pytest.approx((7 + 3 * 14 - 14) * PAGE / 16)

    def test_memory_that_was_old_before_is_selected_by_the_first_snapshot(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, 0 if t < 3 else 9] for t in range(6)]
        (one, _) = asked(sql, recorded(sql, rows, (1, 50))).outcomes
        assert (one.selected_bytes, one.touched_bytes) == (PAGE, PAGE)
        assert one.within_bytes == (0, PAGE, PAGE, PAGE), "selected at 1 s, touched at 4 s"
        assert one.known_seconds == 6

    def test_what_is_not_watched_any_more_is_not_touched(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, 0 if t < 4 else GONE] for t in range(6)]
        (one, _) = asked(sql, recorded(sql, rows, (1, 0))).outcomes
        assert (one.selected_bytes, one.touched_bytes) == (PAGE, 0)
        assert one.stayed_us == pytest.approx(2 * AGGR_US)

    def test_hot_memory_that_cools_down(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[8 if t < 5 else 0, 8] for t in range(12)]
        hot = {"action": "willneed", "pattern": {"access": ["50%", "max"], "age": ["2s", "max"]}}
        (one,) = asked(sql, recorded(sql, rows, (0, 0)), hot).outcomes
        assert (one.selected_bytes, one.touched_bytes) == (2 * PAGE, PAGE)
        assert one.within_bytes == (0, PAGE, PAGE, PAGE)

    def test_sizes_and_samples_bound_what_is_selected(self, sql: Sql) -> None:
        run_id = recorded(sql, self.ROWS, self.FIRST)
        pattern = {"access": ["0 samples", "0 samples"], "age": ["2s", "max"]}
        small = {"action": "pageout", "pattern": {**pattern, "size": [["4KiB", "8KiB", "12KiB"], "12KiB"]}}
        assert [one.selected_bytes for one in asked(sql, run_id, small).outcomes] == [5 * PAGE, 3 * PAGE, 3 * PAGE]

    def test_two_targets_are_summed(self, sql: Sql) -> None:
        run_id = recorded(sql, self.ROWS, self.FIRST)
        alone = asked(sql, run_id).outcomes[0]
        recorded(sql, self.ROWS, self.FIRST, base=HIGH, target=1)
        both = asked(sql, run_id)
        assert both.outcomes[0].selected_bytes == 2 * alone.selected_bytes
        assert both.outcomes[0].promotion_percent == pytest.approx(alone.promotion_percent)
        assert both.over_time[0].bytes[-1] == 2 * 3 * PAGE

    def test_a_target_that_comes_when_another_has_gone_does_not_add_to_it(self, sql: Sql) -> None:
        run_id = recorded(sql, [[9, 0]] * 20, (9, 9))
        alone = asked(sql, run_id)
        recorded(sql, [[9, 0]] * 20, (9, 9), base=HIGH, target=1, after=20)
        both = asked(sql, run_id)
        assert alone.outcomes[0].saved_bytes == both.outcomes[0].saved_bytes == PAGE
        assert (both.seconds, both.outcomes[0].known_seconds) == (40, 40)
        assert both.outcomes[0].selected_bytes == 2 * PAGE
        assert (both.watched_bytes, both.working_set_bytes) == (2 * PAGE, alone.working_set_bytes)


class TestQuotas:
    def test_what_is_too_much_waits(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, *[0] * 6] for _ in range(12)]
        limited = {**COLD, "quota": {"size": ["8KiB", "1MiB"], "interval": "1s"}}
        two, all_at_once, *_ = asked(sql, recorded(sql, rows, [0] * 7), limited).outcomes
        assert two.quota is not None and all_at_once.quota is not None
        # Six pages reach 2 s at once; two go in each second: at 2, 3 and 4.
        assert two.quota.let_through_bytes == 6 * PAGE and two.quota.done_us == 2_000_000
        assert two.quota.saved_bytes == pytest.approx((2 + 4 + 6 * 8) * PAGE / 10)
        assert all_at_once.quota.saved_bytes == pytest.approx(6 * PAGE)
        assert (all_at_once.quota.done_us, all_at_once.quota.waiting_bytes) == (0, 0)

    def test_what_is_touched_while_it_waits_costs_nothing(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, *[0 if t < 5 else 9] * 4] for t in range(8)]
        limited = {"action": "pageout", "pattern": {"access": ["0%", "0%"], "age": ["2s", "max"]}}
        (one,) = asked(sql, recorded(sql, rows, [0] * 5), {**limited, "quota": {"size": "4KiB"}}).outcomes
        assert one.quota is not None and one.touched_bytes == 4 * PAGE
        assert (one.quota.let_through_bytes, one.quota.touched_bytes) == (3 * PAGE, 3 * PAGE)


SMALL = {"action": "nohugepage", "pattern": {"access": ["0%", "0%"], "age": ["3s", "max"]}}
HUGE = {"action": "hugepage", "pattern": {"access": ["50%", "max"], "age": ["1s", "max"]}}


class TestChurn:
    def test_what_one_selects_soon_after_its_opposite(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, 0 if t % 8 < 4 else 9, 0] for t in range(16)]
        answer = asked(sql, recorded(sql, rows, (0, 0, 0)), SMALL, HUGE)
        (pair,) = answer.churn
        # Idle 0..3 (selected at 3), hot from 4 (selected at 5), idle from 8 (at 11), hot from 12 (at 13).
        assert (pair.one.scheme.action, pair.other.scheme.action) == ("nohugepage", "hugepage")
        assert (pair.there_bytes, pair.back_bytes) == (2 * PAGE, PAGE)

    def test_after_more_than_a_minute_it_is_no_churn(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, 0 if t < 70 else 9] for t in range(75)]
        (pair,) = asked(sql, recorded(sql, rows, (0, 0)), SMALL, HUGE).churn
        assert (pair.there_bytes, pair.back_bytes) == (0, 0)

    def test_schemes_that_do_not_undo_each_other_have_none(self, sql: Sql) -> None:
        rows: Sequence[Row] = [[9, 0] for _ in range(8)]
        other = {**HUGE, "action": "migrate_hot", "target_nid": 0}
        assert asked(sql, recorded(sql, rows, (0, 0)), SMALL, other).churn == []


class TestWhatIsRefused:
    def test_no_snapshots(self, sql: Sql) -> None:
        with pytest.raises(StageError, match="run 1 has no snapshots to replay"):
            asked(sql, 1)

    def test_no_intervals(self, sql: Sql) -> None:
        sql.snapshot(10**9, start=0).region(0, PAGE, 0, age=3)
        with pytest.raises(StageError, match=r"does not say its aggregation interval.*import it again"):
            asked(sql, 1)

    def test_no_ages(self, sql: Sql) -> None:
        sql.snapshot(10**9, start=0, aggr_us=10**6).region(0, PAGE, 0)
        with pytest.raises(StageError, match=r"run 1 has no ages,.*record it with DAMON"):
            asked(sql, 1)

    def test_percentages_without_samples(self, sql: Sql) -> None:
        sql.snapshot(10**9, start=0, aggr_us=10**6, nr_samples=None).region(0, PAGE, 0, age=9)
        assert asked(sql, 1).outcomes[0].selected_bytes == PAGE, "nothing is nothing by any count"
        with pytest.raises(StageError, match="does not say its sampling interval"):
            asked(sql, 1, {"action": "pageout", "pattern": {"access": ["0%", "5%"]}})

    def test_nothing_selected(self, sql: Sql) -> None:
        run_id = recorded(sql, [[9, 0, 9]] * 8, (0, 0, 0))
        with pytest.raises(UsageError, match=r"none of these 2 variants selects anything: it knows of 8 s only"):
            asked(sql, run_id, {"action": "pageout", "pattern": {"age": [["1m", "2m"], "max"]}})
        with pytest.raises(UsageError, match="nothing was so for so long; try shorter ages or wider bounds"):
            asked(sql, run_id, {"action": "pageout", "pattern": {"access": ["20%", "30%"]}})


@dataclass
class Followed:
    """What one minimum age did, page by page."""

    age_us: int
    selected: int = 0
    touched: int = 0
    tried: int = 0
    within: list[int] = field(default_factory=lambda: [0] * len(WITHIN_US))
    sums: list[int] = field(default_factory=list)


def followed(rows: Sequence[Row], first: Sequence[int], age_us: int) -> Followed:
    """The same question, asked of each page in turn."""
    found = Followed(age_us, sums=[0] * len(rows))
    ages = ages_of(rows, first)
    for page in range(len(rows[0])):
        since: int | None = None
        acted: int | None = None
        for t, row in enumerate(rows):
            nr, age = row[page], ages[t][page]
            if nr is GONE or nr > 0:
                if since is not None and nr is not GONE:
                    found.touched += PAGE
                    for place, within in enumerate(WITHIN_US):
                        found.within[place] += PAGE * ((t - since) * AGGR_US <= within)
                since = acted = None
            elif age * AGGR_US >= age_us:
                found.sums[t] += PAGE
                if since is None:
                    since, found.selected = t, found.selected + PAGE
                if acted is None or (t - acted) * AGGR_US >= max(age_us, AGGR_US):
                    acted, found.tried = t, found.tried + PAGE
    return found


PAGES, AGES = 7, ("0s", "1s", "2s", "3500ms", "6s")


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Row], list[int], list[int], int]:
    """Accesses that mostly stay as they are, ages from before, cuts, and how many regions are read at once."""
    length = draw(st.integers(2, 14))
    rows: list[Row] = [draw(st.lists(st.sampled_from([0, 0, 0, 6]), min_size=PAGES, max_size=PAGES))]
    for _ in range(length - 1):
        changes = draw(st.lists(st.sampled_from(["same"] * 5 + ["hot", "cold", "gone"]), min_size=PAGES, max_size=PAGES))
        new = {"hot": 6, "cold": 0, "gone": GONE}
        row: list[int | None] = [old if change == "same" else new[change] for old, change in zip(rows[-1], changes, strict=True)]
        row[0] = 6  # no snapshot is empty, and some of it is always in use
        rows.append(row)
    first = draw(st.lists(st.integers(0, 9), min_size=PAGES, max_size=PAGES))
    return rows, first, draw(st.lists(st.integers(0, 20), max_size=6)), draw(st.sampled_from([1, 5, 20, 10**6]))


@pytest.fixture(scope="module")
def shared() -> Sql:
    return Sql()


@settings(max_examples=40, deadline=None)
@given(made=runs(), places=st.sampled_from([(0, 0), (2**47, 0), (PAGE, 2**46), (PAGE, HIGH), (0, 2**64 - 2**20)]))
def test_the_replay_is_what_following_every_page_tells(
    shared: Sql, made: tuple[list[Row], list[int], list[int], int], places: tuple[int, int]
) -> None:
    rows, first, cuts, at_once = made
    run_id = recorded(shared, rows, first, cuts, places[0], far=places[1])
    scheme = {"action": "pageout", "pattern": {"access": ["0%", "0%"], "age": [list(AGES), "max"]}}
    patch = pytest.MonkeyPatch()
    with patch.context() as mended:
        for module in (replay, churn):
            mended.setattr(module, "pieces", functools.partial(pieces, rows=at_once))
        try:
            answer = asked(shared, run_id, scheme)
        except UsageError:
            assert not any(followed(rows, first, 0).sums)
            return
    for one in answer.outcomes:
        known = followed(rows, first, one.age_us)
        assert (one.selected_bytes, one.touched_bytes) == (known.selected, known.touched), one.variant.label
        assert list(one.within_bytes) == known.within, one.variant.label
        assert one.tried_bytes == known.tried, one.variant.label
        selected = shared(
            "SELECT selected_bytes FROM selected_bytes($run, ages_us := [$age]) ORDER BY ts", run=run_id, age=one.age_us
        )
        assert [size for (size,) in selected] == known.sums
    spells = shared("SELECT age_us, touched_bytes, gone_bytes + idle_bytes FROM cold_spells($run)", run=run_id)
    for one in answer.outcomes:
        old = [(touched, rest) for age, touched, rest in spells if age >= one.age_us]
        assert sum(touched for touched, _ in old) == one.touched_bytes
        assert sum(map(sum, old)) == one.selected_bytes


def churned(rows: Sequence[Row], first: Sequence[int]) -> tuple[int, int]:
    """What `SMALL` and `HUGE` select soon after the other, page by page."""
    there = back = 0
    ages = ages_of(rows, first)
    for page in range(len(rows[0])):
        small_at = huge_at = None
        was_small = was_huge = False
        for t, row in enumerate(rows):
            small, huge = row[page] == 0 and ages[t][page] >= 3, (row[page] or 0) >= 5 and ages[t][page] >= 1
            there += PAGE * (huge and not was_huge and small_at is not None)
            back += PAGE * (small and not was_small and huge_at is not None)
            small_at = t if small and not was_small else small_at
            huge_at = t if huge and not was_huge else huge_at
            was_small, was_huge = small, huge
    return there, back


@settings(max_examples=30, deadline=None)
@given(made=runs(), places=st.sampled_from([(0, 0), (PAGE, HIGH)]))
def test_churn_is_what_following_every_page_tells(
    shared: Sql, made: tuple[list[Row], list[int], list[int], int], places: tuple[int, int]
) -> None:
    rows, first, cuts, at_once = made
    run_id = recorded(shared, rows, first, cuts, places[0], far=places[1])
    scheme = {"action": "stat", "pattern": {"age": ["0s", "max"]}}  # selects something, and has no opposite
    patch = pytest.MonkeyPatch()
    with patch.context() as mended:
        for module in (replay, churn):
            mended.setattr(module, "pieces", functools.partial(pieces, rows=at_once))
        (pair,) = asked(shared, run_id, scheme, SMALL, HUGE).churn
    assert (pair.there_bytes, pair.back_bytes) == churned(rows, first)


def test_where_there_are_too_many_stretches_the_smallest_are_joined(shared: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Sequence[Row] = [[6 if (t // 5 + page) % 3 == 0 else 0 for page in range(200)] for t in range(20)]
    run_id = recorded(shared, rows, [0] * 200)
    (exact,) = asked(shared, run_id, SMALL, HUGE).churn
    assert (exact.there_bytes, exact.back_bytes) == churned(rows, [0] * 200)
    monkeypatch.setattr(churn, "MOST", 64)
    (joined,) = asked(shared, run_id, SMALL, HUGE).churn
    assert 0 < joined.there_bytes <= 200 * 4 * PAGE


def test_rows_out_of_order_are_put_in_order(sql: Sql) -> None:
    one = recorded(sql, TestByHand.ROWS, TestByHand.FIRST)
    with sql.store.write() as con:
        con.execute("CREATE TABLE aside AS FROM _region ORDER BY hash(start_page, ts)")
        con.execute("DELETE FROM _region")
        con.execute("INSERT INTO _region FROM aside")
    assert asked(sql, one).outcomes[0].touched_bytes == 2 * PAGE


def test_intervals_that_changed_in_the_middle(sql: Sql) -> None:
    """The same page rests for 2 s of ages at aggregations of 1 s, then of 2 s: ages count in the interval in force."""
    for number, (nr, age, aggr) in enumerate(
        itertools.chain([(9, 0, 1), (0, 0, 1), (0, 1, 1), (0, 2, 1)], [(0, 3, 2), (9, 0, 2)])
    ):
        sql.snapshot((number + 1) * 10**9, start=number * 10**9, aggr_us=aggr * 10**6).region(0, PAGE, nr, age=age)
    two, five = asked(sql, 1).outcomes
    assert (two.selected_bytes, five.selected_bytes) == (PAGE, PAGE)
    assert (two.touched_bytes, five.touched_bytes) == (PAGE, PAGE)
