"""What-if: twenty minimum ages over every region of a run, beside a bare scan of the same rows, and the same asked in SQL.

python benchmarks/bench_whatif.py [ROWS …]          (1 M and 10 M by default)

No two neighbouring snapshots have a border in common, which is the worst there is; recordings have many.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_store import REPEATS, best, fill, for_each, show

from damopipe.pipeline.variants import default_variants, with_ages
from damopipe.store import Store
from damopipe.whatif.replay import replay

AGES = [f"{second}s" for second in range(1, 20)] + ["500ms"]
FEW = 10_000_000
"""Rows up to which a thing is done again, and SQL is asked, too."""


def measure(rows: int, folder: Path) -> None:
    store = Store(folder / f"{rows}.duckdb")
    fill(store, rows)
    variants = with_ages(default_variants(), AGES)
    assert len(variants) == 20

    def asked() -> None:
        with store.asking() as query:
            assert len(replay(query, 1, variants).outcomes) == 20

    def in_sql() -> None:
        found = store.query("SELECT age_us, sum(touched_bytes::DOUBLE) FROM cold_spells(1) GROUP BY age_us").rows
        assert len(found) > 100

    scan = "SELECT sum(start_page), sum(nr_pages), sum(nr_accesses), sum(age) FROM _region"
    with store.read() as con:
        floor = best(lambda: con.execute(scan).fetchall())
    processor = time.process_time()
    took = best(asked) if rows <= FEW else once(asked)
    processor = (time.process_time() - processor) / (REPEATS if rows <= FEW else 1)
    show(rows, "20 ages", f"{took:.2f} s", took / floor, f"a bare scan; {processor:.1f} s of processor time")
    if rows <= FEW:
        took = best(in_sql)
        show(rows, "ages of spells in SQL", f"{took:.2f} s", took / floor, "a bare scan")


def once(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    for_each(measure)
