"""The report of a long run: how large it is, how long it takes to write and to open, beside floors in the same run.

python benchmarks/bench_report.py [ROWS …]         (10 M by default; opening needs Chromium and Playwright)
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bench_store import best, fill

from damopipe.outputs.report import make_report
from damopipe.store import Store

MOST_MIB, MOST_SECONDS = 10, 3
"""What a report of 10 M region rows is to stay within."""
READY = "performance.getEntriesByName('ready')[0].startTime"
EMPTY = """<!DOCTYPE html><title>empty</title>
<script>requestAnimationFrame(() => { performance.mark("ready"); document.documentElement.dataset.ready = "yes"; });</script>"""
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


def measure(rows: int, folder: Path) -> None:
    store, page, empty = Store(folder / f"{rows}.duckdb"), folder / "report.html", folder / "empty.html"
    fill(store, rows)
    empty.write_text(EMPTY)
    with store.read() as con:
        query = "SELECT count(*), sum(access_rate) FROM heatmap(1, 2048, 1024)"
        floor = best(lambda: con.execute(query).fetchall())
    spent = best(lambda: make_report(1, store, page))
    show(rows, "written in", f"{spent:.1f} s", f"{spent / floor:6.2f} × its heat map's grid alone")
    show(
        rows,
        "size",
        f"{page.stat().st_size / 2**20:.1f} MiB",
        f"{page.stat().st_size / MOST_MIB / 2**20:6.2f} × the most it may be",
    )
    opening = opened(page, empty)
    if opening is None:
        show(rows, "opens in", "not measured", "there is no Chromium, or no Playwright")
        return
    seconds, nothing = opening
    show(
        rows,
        "opens in",
        f"{seconds:.2f} s",
        f"{seconds / nothing:6.2f} × an empty page ({seconds / MOST_SECONDS:.2f} × the most)",
    )


def opened(page: Path, empty: Path) -> tuple[float, float] | None:
    """Seconds until each of two files is drawn in Chromium, the quickest of a few; None without a browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)

        def seconds(path: Path) -> float:
            tab = browser.new_page()
            tab.goto(path.as_uri())
            tab.wait_for_selector("html[data-ready]", timeout=60_000)
            took = float(tab.evaluate(READY)) / 1000
            tab.close()
            return took

        found = min(seconds(page) for _ in range(3)), min(seconds(empty) for _ in range(3))
        browser.close()
    return found


def show(rows: int, what: str, figure: str, beside: str) -> None:
    sys.stdout.write(f"{rows / 1e6:5.0f} M rows  {what:12} {figure:>14}   {beside}\n")
    sys.stdout.flush()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for rows in [int(float(text)) for text in sys.argv[1:]] or [10_000_000]:
            measure(rows, Path(folder))


if __name__ == "__main__":
    main()
