"""Runs by page: what each page's accesses were at each snapshot, as regions with ages such as DAMON would have had."""

from __future__ import annotations

from collections.abc import Sequence

from tests.rows import PAGE, Sql, batch

AGGR_US = 1_000_000
GONE = None
"""A page that is not watched at a snapshot."""

FAR = 4
"""The first page that can be `far` from those before it."""
Row = Sequence[int | None]


def ages_of(rows: Sequence[Row], first: Sequence[int]) -> list[list[int]]:
    """The age of each page at each snapshot: 0 when it has changed or come, else one more. `first` is what it was before."""
    found: list[list[int]] = []
    for number, row in enumerate(rows):
        ages = []
        for page, nr in enumerate(row):
            same = number > 0 and rows[number - 1][page] == nr
            ages.append(found[-1][page] + 1 if same else (first[page] if number == 0 else 0))
        found.append(ages)
    return found


def recorded(
    sql: Sql,
    rows: Sequence[Row],
    first: Sequence[int],
    cuts: Sequence[int] = (),
    base: int = 0,
    target: int = 0,
    after: int = 0,
    far: int = 0,
) -> int:
    """A run of a snapshot a second; pages that are alike are a region, but for `cuts` that are between two pages anyway."""
    run_id = sql.run().run_id if target == 0 else sql.run_id
    ages = ages_of(rows, first)
    snapshots, regions = [], []

    def where(page: int) -> int:
        return base + page * PAGE + (far if page >= FAR else 0)

    for number, row in enumerate(rows):
        end = (after + number + 1) * AGGR_US * 1000
        at = {"ts": end, "target_id": target}
        pieces: list[list[int]] = []
        for page, nr in enumerate(row):
            if nr is GONE:
                continue
            now = [page, page + 1, nr, ages[number][page]]
            cut = (page + number) in cuts or (far and page == FAR)
            if pieces and not cut and pieces[-1][1] == page and pieces[-1][2:] == now[2:]:
                pieces[-1][1] = page + 1
            else:
                pieces.append(now)
        given = {"start_ts": end - AGGR_US * 1000, "sample_us": AGGR_US // 10, "aggr_us": AGGR_US, "nr_samples": 10}
        snapshots.append(at | given | {"nr_regions": len(pieces)})
        regions += [
            at | {"start_addr": where(a), "end_addr": where(b - 1) + PAGE, "nr_accesses": nr, "age": age}
            for a, b, nr, age in pieces
        ]
    sql.store.append(run_id, [batch("snapshot", *snapshots), *([batch("region", *regions)] if regions else [])])
    return run_id
