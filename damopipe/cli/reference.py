"""The command reference as Markdown, from the commands themselves; docs/commands.md is made of it."""

from __future__ import annotations

from typing import Any

from damopipe.cli import build


def reference() -> str:
    """One section a command: its help, as it is printed."""
    import typer.main

    root = typer.main.get_command(build())
    return "\n".join(_sections(root, "damopipe"))


def _sections(command: Any, path: str) -> list[str]:
    context = command.make_context(path, [], resilient_parsing=True, max_content_width=100, terminal_width=100)
    text = [f"## `{path}`", "", "```text", command.get_help(context).rstrip(), "```", ""]
    for name, child in getattr(command, "commands", {}).items():
        text += _sections(child, f"{path} {name}")
    return text
