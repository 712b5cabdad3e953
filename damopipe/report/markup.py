"""HTML from templates: the only place that knows jinja2.

Invariant: text is escaped unless a template says otherwise, and a name that is missing is an error.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("damopipe.report"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def page(template: str, **values: Any) -> str:
    """A template of report/templates, filled in."""
    return _environment().get_template(template).render(**values)


def joined(*names: str) -> str:
    """Files of report/templates as they are, one after the other: scripts and styles, which are ours."""
    folder = files("damopipe.report").joinpath("templates")
    return "\n".join(folder.joinpath(name).read_text("utf-8") for name in names)


def digest(content: str) -> str:
    """What a content security policy names an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
