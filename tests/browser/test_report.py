"""The report in Chromium, opened from the disk: what is drawn, what follows what, what can never happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Open
from tests.report.rich_run import NASTY, SNAPSHOTS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

COLOURS = """() => {
  const canvas = document.querySelector("#canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = {};
  for (let i = 0; i < data.length; i += 4) {
    const key = `${data[i]},${data[i + 1]},${data[i + 2]},${data[i + 3]}`;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  return seen;
}"""
HOTTEST, IDLE = "252,255,164,255", "0,0,4,255"


def colours(page: Page) -> dict[str, int]:
    """How many pixels of the heat map have each colour."""
    found: dict[str, int] = page.evaluate(COLOURS)
    return found


def shown(page: Page) -> tuple[float, float]:
    """The time that is shown, in seconds, once everything is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    begin, end = page.evaluate("() => [document.documentElement.dataset.from, document.documentElement.dataset.to]")
    return float(begin), float(end)


def drag(page: Page, element: Locator, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """A drag between two places of an element, as shares of its size."""
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (begin, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


def path(page: Page, chart: str) -> str:
    found = page.locator(f'[data-chart="{chart}"] path.line').first.get_attribute("d")
    assert found
    return found


class TestHeatMap:
    def test_marks_are_there_in_the_colours_of_the_scale(self, opened: Open) -> None:
        seen = colours(opened())
        assert seen[HOTTEST] > 1000 and seen[IDLE] > 10_000
        assert seen["207,212,218,255"] > 100, "what was not watched is grey"

    def test_a_brush_zooms_and_esc_goes_back(self, opened: Open) -> None:
        page = opened()
        before = colours(page)
        drag(page, page.locator("#map"), (0.3, 0.3), (0.5, 0.31))
        begin, end = shown(page)
        assert 0 < begin < end < SNAPSHOTS and end - begin < SNAPSHOTS / 3
        assert colours(page) != before
        page.keyboard.press("Escape")
        page.locator("#reset").click()
        assert shown(page) == (0, SNAPSHOTS)

    def test_a_brush_of_addresses_shows_one_area_region_by_region(self, opened: Open) -> None:
        page = opened()
        drag(page, page.locator("#map"), (0.2, 0.2), (0.4, 0.45))
        shown(page)
        assert page.locator("#area").input_value() == "1"
        assert page.locator("#canvas").get_attribute("data-drawn") == "regions"
        page.locator("#map").dblclick()
        shown(page)
        assert page.locator("#area").input_value() == ""

    def test_scrolling_zooms_with_ctrl_alone_and_scrolls_the_page_without(self, opened: Open) -> None:
        page = opened()
        page.locator("#map").hover()
        page.mouse.wheel(0, -300)
        assert shown(page) == (0, SNAPSHOTS)
        page.locator("#map").hover()
        page.keyboard.down("Control")
        page.mouse.wheel(0, -300)
        page.keyboard.up("Control")
        begin, end = shown(page)
        assert end - begin < SNAPSHOTS

    def test_keys_do_what_a_mouse_does(self, opened: Open) -> None:
        page = opened()
        page.locator("#map").focus()
        page.keyboard.press("+")
        begin, end = shown(page)
        assert end - begin == pytest.approx(SNAPSHOTS * 0.6)
        page.keyboard.press("ArrowRight")
        assert shown(page)[0] > begin
        assert "0x80000000" in (page.locator("#readout").text_content() or "")
        page.keyboard.press("Enter")
        assert page.locator("#moment tbody tr").count() == 9
        page.keyboard.press("-")
        page.keyboard.press("Escape")
        assert shown(page) == (0, SNAPSHOTS)
        assert "none" not in page.locator("#map").evaluate("(map) => getComputedStyle(map).outlineStyle"), "focus is visible"

    def test_a_tip_says_address_mapping_rate_and_age(self, opened: Open) -> None:
        page = opened()
        page.locator("#map").hover(position={"x": 110, "y": 200})
        tip = page.locator("#tip")
        assert NASTY in (tip.text_content() or ""), "as text"
        for word in ("0x8000000000", "of 10 samples", "age"):
            assert word in (tip.text_content() or "")

    def test_a_logarithmic_scale_and_another_target(self, opened: Open) -> None:
        page = opened()
        before = colours(page)
        page.locator("#scale").select_option("log")
        shown(page)
        assert colours(page) != before
        assert page.locator('[data-chart="memory-0"]').is_visible() and not page.locator('[data-chart="memory-1"]').is_visible()
        page.locator("#target").select_option("1")
        page.locator('[data-chart="memory-1"]').wait_for(state="visible")
        assert not page.locator('[data-chart="memory-0"]').is_visible()


class TestLinkedCharts:
    def test_a_brush_in_one_is_a_brush_in_all(self, opened: Open) -> None:
        page = opened()
        others = ["schemes-0", "quota-0", "goals", "pressure", "system", "processor", "distribution-0"]
        before, cells = {chart: path(page, chart) for chart in others}, colours(page)
        drag(page, page.locator('[data-chart="memory-0"]'), (0.4, 0.5), (0.6, 0.5))
        begin, end = shown(page)
        assert 10 < begin < end < 30
        assert {chart for chart in others if path(page, chart) == before[chart]} == set()
        assert colours(page) != cells
        page.locator("#all-time").click()
        shown(page)
        assert {chart: path(page, chart) for chart in others} == before

    def test_the_overview_can_be_dragged_over(self, opened: Open) -> None:
        page = opened()
        drag(page, page.locator("#overview"), (0.5, 0.5), (0.75, 0.5))
        assert shown(page) == pytest.approx((20, 30), abs=0.5)

    def test_values_at_the_pointer_and_lines_to_switch(self, opened: Open) -> None:
        page = opened()
        page.locator('[data-chart="memory-0"]').hover()
        resident = page.locator("figure", has=page.locator('[data-chart="memory-0"]')).get_by_role("button", name="resident")
        assert "MiB" in (resident.text_content() or "")
        before = page.locator('[data-chart="memory-0"] path.line').count()
        resident.click()
        shown(page)
        assert page.locator('[data-chart="memory-0"] path.line').count() == before - 1


class TestTables:
    def test_they_sort_and_search(self, opened: Open) -> None:
        page = opened()
        table = page.locator("#table-hottest table")
        head = table.get_by_role("button", name="from")
        column = "tds => tds.map((td) => td.textContent)"
        head.click()
        down = table.locator("td.address:nth-child(3)").evaluate_all(column)
        head.click()
        up = table.locator("td.address:nth-child(3)").evaluate_all(column)
        assert up == sorted(up, key=lambda text: int(text, 16)) and down == up[::-1] and len(set(up)) > 5
        page.locator("#table-hottest").get_by_role("searchbox").fill("second")
        rows = table.locator("tbody tr:visible")
        assert rows.count() == 1 and "second" in (rows.first.text_content() or "")

    def test_sql_can_be_copied(self, opened: Open) -> None:
        page = opened()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        figure = page.locator("figure", has=page.locator('[data-chart="goals"]'))
        figure.locator("summary").click()
        figure.get_by_role("button", name="Copy").click()
        figure.get_by_role("button", name="Copied").wait_for()
        assert "FROM goal_progress" in page.evaluate("() => navigator.clipboard.readText()")


class TestTheRest:
    def test_markup_from_outside_is_text(self, opened: Open) -> None:
        page = opened()
        assert page.locator("h1").text_content() == NASTY
        assert page.locator("img").count() == 0
        assert page.locator("script:not([type])").count() == 0

    def test_nothing_could_be_sent(self, browser: Browser, report: Path) -> None:
        page = browser.new_page()
        page.goto(report.as_uri())
        with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            said = page.evaluate("() => fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)")
        assert said == "TypeError"
        policy = page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
        assert policy and policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
        page.close()

    def test_dark_as_the_system_has_it_and_by_a_button(self, opened: Open) -> None:
        background = "() => getComputedStyle(document.documentElement).backgroundColor"
        assert opened(color_scheme="light").evaluate(background) == "rgb(255, 255, 255)"
        page = opened(color_scheme="dark")
        assert page.evaluate(background) == "rgb(22, 24, 28)"
        assert colours(page)["90,98,107,255"] > 100, "what was not watched has the dark theme's grey"
        page.get_by_role("button", name="Switch to light colours").click()
        shown(page)
        assert page.evaluate(background) == "rgb(255, 255, 255)"
        assert "90,98,107,255" not in colours(page)

    def test_paper_is_light_and_without_controls(self, opened: Open) -> None:
        page = opened(color_scheme="dark")
        page.emulate_media(media="print")
        shown(page)
        assert page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator("#bar").is_visible() and not page.locator("#theme").is_visible()
        assert page.locator("#canvas").is_visible() and page.locator("#table-hottest").is_visible()
        assert len(page.pdf(format="A4", print_background=True)) > 10_000

    def test_nothing_is_cut_off_on_paper(self, opened: Open) -> None:
        page = opened(viewport={"width": 718, "height": 1000})  # A4 less its margins
        page.emulate_media(media="print")
        shown(page)
        wide = "(all) => all.filter((one) => one.scrollWidth > 720).map((one) => one.outerHTML.slice(0, 80))"
        assert page.locator(".scroll, svg, canvas").evaluate_all(wide) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 718

    def test_a_narrow_window_has_no_sideways_scrolling(self, opened: Open) -> None:
        page = opened(viewport={"width": 380, "height": 700})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 380

    def test_every_control_and_picture_has_a_name(self, opened: Open) -> None:
        page = opened()
        nameless = """() => [...document.querySelectorAll(
            "button, input, select, canvas:not([aria-hidden]), svg[role], [tabindex], [role=region]")]
          .filter((one) => !one.getAttribute("aria-label") && !one.textContent.trim() && !one.closest("label"))
          .map((one) => one.outerHTML.slice(0, 80))"""
        assert page.evaluate(nameless) == []
