"""Templates: commented pipelines to start from, in `templates/`, each named by what it watches."""

from __future__ import annotations

import difflib
from importlib.resources import files

from damopipe.errors import UsageError


def templates() -> dict[str, str]:
    """Every template's text by its name."""
    found = (file for file in files("damopipe.pipeline").joinpath("templates").iterdir() if file.name.endswith(".toml"))
    return {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in sorted(found, key=lambda f: f.name)}


def template(name: str) -> str:
    """One template's text. UsageError with the nearest name."""
    known = templates()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise UsageError(f"no template is called {name!r}; {hint}")
    return known[name]
