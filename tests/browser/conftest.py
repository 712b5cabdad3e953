"""Chromium, and reports opened in it from the disk; whoever opens one asks for `opened`, which holds its manners.

Skips aloud where there is no Chromium or no Playwright; in CI that is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from damopipe.outputs.report import make_report
from tests.report.rich_run import rich_run
from tests.rows import Sql

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READY_MS = 60_000

Open = Callable[..., "Page"]


def _missing(what: str) -> Any:
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and in CI the report is tested in a browser")
    pytest.skip(f"{what}; the report was not tested in a browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: the system's own, as Playwright's download is no package."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        _missing("there is no Chromium here (apt install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed (pip install playwright)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of `rich_run`."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    make_report(1, rich_run(Sql()).store, path)
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Open]:
    """Opens a report and waits until it is drawn; at the end nothing was asked of a network and nothing was complained of."""
    said: list[str] = []
    asked: list[str] = []
    pages: list[Page] = []

    def open_page(path: Path = report, **more: Any) -> Page:
        page = browser.new_page(**({"viewport": {"width": 1200, "height": 900}} | more))
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", timeout=READY_MS)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert said == []
    assert {url for url in asked if not url.startswith(("file:", "data:"))} == set()
