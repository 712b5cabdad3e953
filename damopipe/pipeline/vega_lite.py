"""A Vega-Lite file of somebody's own: JSON that draws something, and asks no network for anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

VIEWS = ("mark", "layer", "hconcat", "vconcat", "concat", "facet", "repeat")
"""One of these makes an object a Vega-Lite view (https://vega.github.io/vega-lite/docs/spec.html)."""


def parse(text: str) -> dict[str, Any]:
    """The specification. Raises ValueError with what is wrong, in a few words."""
    try:
        spec = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error})") from None
    if not isinstance(spec, dict) or not any(view in spec for view in VIEWS):
        raise ValueError(f"is no Vega-Lite view: it has none of {', '.join(VIEWS)}")
    for url in _urls(spec):
        raise ValueError(f"asks for {url!r}: data comes from sql, as the data named rows; nothing is loaded from elsewhere")
    return spec


def _urls(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "url" and isinstance(value, str) and not value.startswith("data:"):
                yield value
            yield from _urls(value)
    elif isinstance(found, list):
        for value in found:
            yield from _urls(value)
