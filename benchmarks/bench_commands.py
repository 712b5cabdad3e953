"""Whole processes: `--help`, and a heat map to PNG over 10 M rows, beside a bare interpreter with the same imports.

python benchmarks/bench_commands.py [ROWS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_store import best, fill

from damopipe.store import Store


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def show(what: str, seconds: float, floor: float, of_what: str) -> None:
    sys.stdout.write(f"{what:40} {seconds * 1000:8.0f} ms   {seconds / floor:6.2f} × {of_what}\n")
    sys.stdout.flush()


def main() -> None:
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000
    show(
        "damopipe --help",
        best(lambda: run("-m", "damopipe", "--help")),
        best(lambda: run("-c", "import typer")),
        "python with typer",
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "s.duckdb")
        fill(store, rows)
        chart = ("-m", "damopipe", "chart", "heatmap", "--store", str(store.path), "-o", str(Path(folder) / "x.png"))
        imports = best(lambda: run("-c", "import altair, duckdb, vl_convert"))
        show(f"damopipe chart heatmap, {rows / 1e6:.0f} M rows", best(lambda: run(*chart)), imports, "python with its imports")


if __name__ == "__main__":
    main()
