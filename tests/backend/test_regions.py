"""Mappings over time as regions: nr_accesses, age, identity."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from damopipe.backend.regions import Regions

Rows = list[tuple[int, int, int]]


def add(regions: Regions, *rows: tuple[int, int, int]) -> None:
    """One sample of (start, size, referenced) in pages."""
    columns = np.array(rows, dtype=np.uint64).reshape(-1, 3) * np.uint64(4096)
    regions.add(columns[:, 0], columns[:, 0] + columns[:, 1], columns[:, 2])


def close(regions: Regions) -> list[tuple[int, int, int, int, int]]:
    """(start, size, nr_accesses, age, referenced) a region, in pages."""
    got: dict[str, Any] = regions.close()
    start, end = got["start_addr"] // 4096, got["end_addr"] // 4096
    columns = (start, end - start, got["nr_accesses"], got["age"], got["referenced_bytes"] // 4096)
    return [tuple(map(int, row)) for row in zip(*columns, strict=True)]  # type: ignore[misc]


def test_nr_accesses_is_the_rounded_sum_of_shares_and_referenced_the_busiest_sample() -> None:
    regions = Regions()
    for referenced in (100, 50, 26, 0):
        add(regions, (0, 100, referenced), (200, 1000, 1), (2000, 10, 0))
    assert close(regions) == [(0, 100, 2, 0, 100), (200, 1000, 1, 0, 1), (2000, 10, 0, 1, 0)]


def test_half_is_rounded_up() -> None:
    regions = Regions()
    add(regions, (0, 2, 1))
    add(regions, (0, 2, 2))
    assert close(regions)[0][2] == 2


def test_more_referenced_than_the_mapping_is_large_counts_once() -> None:
    regions = Regions()
    add(regions, (0, 1, 512))  # a huge page that reaches beyond
    assert close(regions)[0][2] == 1


def one_hot(nr_accesses: int, of: int = 20) -> Regions:
    regions = Regions()
    feed(regions, nr_accesses, of)
    return regions


def feed(regions: Regions, nr_accesses: int, of: int = 20) -> list[tuple[int, int, int, int, int]]:
    for sample in range(of):
        add(regions, (0, 10, 10 if sample < nr_accesses else 0), (100, 10, 10))
    return close(regions)


def test_age_grows_while_accesses_stay_within_a_tenth_of_the_hottest() -> None:
    regions = Regions()
    ages = [feed(regions, n)[0][3] for n in (10, 12, 10, 13, 13)]
    assert ages == [0, 1, 2, 0, 1]  # 10 → 12 is similar (2 = 20 // 10), 10 → 13 is not


def test_age_restarts_between_none_and_some_however_few() -> None:
    regions = Regions()
    ages = [feed(regions, n)[0][3] for n in (0, 0, 1, 1, 0, 0)]
    assert ages == [1, 2, 0, 1, 0, 1]


def test_a_mapping_that_grows_or_shrinks_is_the_same_region() -> None:
    regions = Regions()
    for size in (10, 10, 20, 5):
        add(regions, (100, size, size))
        assert close(regions)[0][1] == size
    assert close_age_after(regions, (100, 5, 5)) == 4


def test_a_stack_that_grows_down_is_the_same_region() -> None:
    regions = Regions()
    for start in (100, 90, 80):
        add(regions, (start, 200 - start, 200 - start))
        got = close(regions)
    assert got == [(80, 120, 1, 2, 120)]


def close_age_after(regions: Regions, row: tuple[int, int, int]) -> int:
    add(regions, row)
    return close(regions)[0][3]


def test_a_new_mapping_elsewhere_is_a_new_region() -> None:
    regions = Regions()
    for _ in range(3):
        add(regions, (0, 10, 10))
        close(regions)
    add(regions, (0, 10, 10), (50, 10, 10))
    assert close(regions) == [(0, 10, 1, 3, 10), (50, 10, 1, 0, 10)]


def test_what_went_during_the_aggregation_stays_in_it_only_if_accessed_and_not_covered() -> None:
    regions = Regions()
    add(regions, (0, 10, 5), (20, 10, 0), (40, 10, 10))
    add(regions, (38, 10, 0))
    assert close(regions) == [(0, 10, 1, 0, 5), (38, 10, 0, 1, 0)]
    add(regions, (38, 10, 0))
    assert close(regions) == [(38, 10, 0, 2, 0)]


def test_of_a_split_mapping_the_lower_part_is_the_same_region_and_nothing_counts_twice() -> None:
    regions = Regions()
    add(regions, (0, 10, 10))
    add(regions, (0, 5, 0), (5, 5, 0))
    assert close(regions) == [(0, 5, 1, 0, 5), (5, 5, 0, 1, 0)]


layouts = st.lists(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.integers(0, 8)), max_size=5), min_size=1, max_size=6
)


def without_overlap(rows: Rows) -> Rows:
    kept: Rows = []
    for start, size, referenced in sorted(rows):
        if not kept or start >= kept[-1][0] + kept[-1][1]:
            kept.append((start, size, min(size, referenced)))
    return kept


@given(layouts, st.integers(1, 4))
def test_whatever_comes_regions_are_sorted_apart_and_within_the_samples(samples: list[Rows], every: int) -> None:
    regions = Regions()
    for number, rows in enumerate(samples, 1):
        add(regions, *without_overlap(rows))
        if number % every == 0:
            taken = regions.nr_samples
            got = close(regions)
            assert all(a[0] + a[1] <= b[0] for a, b in pairwise(got))
            assert all(row[2] <= taken and row[4] <= row[1] and (row[2] > 0) == (row[4] > 0) for row in got)
