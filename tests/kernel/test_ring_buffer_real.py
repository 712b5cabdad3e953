"""Pages of real kernels decode to exactly what those kernels' own `trace` file said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from damopipe.kernel import ring_buffer
from damopipe.kernel.events import parse_format

from . import trace_text

PAGES = Path(__file__).parent / "pages"
DUMPS = Path(__file__).parents[3] / "shared/data/kernel"


def dumps(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.rglob("trace.txt"))


def decode(dump: Path) -> list[ring_buffer.Decoded]:
    meta = json.loads((dump / "meta.json").read_text())
    layouts = [parse_format(text) for text in meta["formats"].values()]
    shape = ring_buffer.PageShape.parse(meta["header_page"])
    return [
        ring_buffer.decode(raw.read_bytes(), layouts, shape, cpu=int(raw.stem.removeprefix("cpu")))
        for raw in sorted(dump.glob("cpu*.raw"))
    ]


def lines(decoded: list[ring_buffer.Decoded]) -> list[str]:
    return trace_text.lines(events for each in decoded for events in each.events.values())


@pytest.mark.parametrize("dump", dumps(PAGES), ids=lambda dump: dump.name)
def test_pages_kept_here(dump: Path) -> None:
    decoded = decode(dump)
    assert lines(decoded) == trace_text.written(dump / "trace.txt")


def test_the_overrun_page_says_how_many_were_lost() -> None:
    [decoded] = decode(PAGES / "k6.12_overrun")
    assert decoded.lost == [ring_buffer.Lost(cpu=1, count=1404, after_ns=None, before_ns=15_431_837_871)]


@pytest.mark.skipif(not DUMPS.is_dir(), reason=f"the large dumps are not here: {DUMPS}")
def test_whole_dumps() -> None:
    found = dumps(DUMPS)
    assert found
    for dump in found:
        decoded = decode(dump)
        assert lines(decoded) == trace_text.written(dump / "trace.txt"), dump


@pytest.mark.skipif(not DUMPS.is_dir(), reason=f"the large dumps are not here: {DUMPS}")
def test_other_events_between_and_an_absolute_time_stamp() -> None:
    """A dump of many kinds of events, with one TIME_STAMP: times never go back."""
    text = (PAGES / "k6.12_run/meta.json").read_text()
    layout = parse_format(json.loads(text)["formats"]["damon_aggregated"].replace("ID: 734", "ID: 744"))
    decoded = ring_buffer.decode((DUMPS / "rawfix_mixed_k7.3/cpu0.raw").read_bytes(), [layout])
    assert decoded.last_ns is not None
    ns = decoded.events["damon_aggregated"].ts_ns
    assert len(ns) == (decoded.events["damon_aggregated"].records["common_type"] == 744).sum()
    assert bool((ns[1:] >= ns[:-1]).all())
