"""Dotted keys as errors write them: `scheme[0].quota.size`, with quotes only where TOML itself needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def child(key: str, part: str | int) -> str:
    """The key of what stands at `part` in what stands at `key`; "" is the file itself."""
    if isinstance(part, int):
        return f"{key}[{part}]"
    name = part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)
    return f"{key}.{name}" if key else name


def dotted(place: Sequence[str | int]) -> str:
    """`("scheme", 0, "quota")` as `scheme[0].quota`."""
    key = ""
    for part in place:
        key = child(key, part)
    return key
