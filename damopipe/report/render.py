"""A Vega-Lite specification as a file; the ending chooses the format.

Invariant: the file is whole or not there. HTML is one file that asks no network for anything, and text in it can
never become markup: `tojson` writes every "<" of the specification as \\u003c.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert as vlc

from damopipe.errors import StageError, UsageError
from damopipe.owner import written_whole
from damopipe.report import markup

SCALE = 2.0
"""Pixels a point in a PNG."""

Spec = dict[str, Any]


def _html(spec: Spec) -> bytes:
    title = spec.get("title", {})
    name = title.get("text", "chart") if isinstance(title, dict) else str(title)
    return markup.page("chart.html.j2", title=name, spec=spec, script=_library()).encode()


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one module; bundling takes seconds, so once a process."""
    return vlc.javascript_bundle("window.embed = vegaEmbed;")


FORMATS: dict[str, Callable[[Spec], bytes]] = {
    "png": lambda spec: vlc.vegalite_to_png(spec, scale=SCALE),
    "svg": lambda spec: vlc.vegalite_to_svg(spec).encode(),
    "pdf": lambda spec: vlc.vegalite_to_pdf(spec),
    "html": _html,
    "json": lambda spec: (json.dumps(spec, indent=1, ensure_ascii=False) + "\n").encode(),
}
"""Every format and what makes it."""


def render(spec: Spec, path: Path) -> None:
    """Writes a specification to `path`. UsageError for an ending nobody writes, StageError when it cannot be written."""
    form = path.suffix.removeprefix(".")
    if form not in FORMATS:
        what = f"as {path.suffix!r}" if path.suffix else "without an ending"
        raise UsageError(f"{path}: a chart cannot be written {what}; use .{', .'.join(FORMATS)}")
    try:
        made = FORMATS[form](spec)
    except ValueError as error:
        raise StageError(f"{path}: {' '.join(str(error).split())[:300]}") from error
    with written_whole(path) as fresh:
        fresh.write_bytes(made)
