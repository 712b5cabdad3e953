"""What a look at the machine finds: one thing each, how it stands, and what to do about it.

`missing` stands in somebody's way, `note` is worth knowing, `unknown` could not be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "note", "unknown"]
WITHOUT_ROOT = "not visible without root"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: State
    text: str
    advice: str = ""
    """What to do; empty where there is nothing to do."""


def any_missing(findings: Iterable[Finding]) -> bool:
    """Whether something stands in the way."""
    return any(finding.state == "missing" for finding in findings)
