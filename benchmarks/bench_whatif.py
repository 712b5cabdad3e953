"""What-if: twenty minimum ages over every region of a run, beside a bare scan of the same rows, and the same asked in SQL.

python benchmarks/bench_whatif.py [ROWS …]          (1 M and 10 M by default)

No two neighbouring snapshots have a border in common, which is the worst there is; recordings have many.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_store import best, fill

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
    took = best(asked) if rows <= FEW else once(asked)
    show(rows, "20 ages", took, floor)
    if rows <= FEW:
        show(rows, "ages of spells in SQL", best(in_sql), floor)


def once(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(rows: int, what: str, took: float, floor: float) -> None:
    sys.stdout.write(f"{rows / 1e6:5.0f} M rows  {what:24} {took:8.2f} s   {took / floor:8.1f} × a bare scan\n")
    sys.stdout.flush()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for rows in [int(float(text)) for text in sys.argv[1:]] or [1_000_000, 10_000_000]:
            measure(rows, Path(folder))


if __name__ == "__main__":
    main()
