"""The SQL prompt: history, completion of table and column names, statements over several lines until a semicolon.

Invariant: the store is opened for each query, never for the prompt's lifetime, so that a run can append meanwhile.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from damopipe.cli import output
from damopipe.cli.sql import show
from damopipe.errors import DamopipeError

if TYPE_CHECKING:
    from damopipe.store import Store

_WORDS = ("SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "JOIN", "USING", "WITH", "DISTINCT", "HAVING", "UNION ALL")


def prompt(store: Store, form: str, allow_files: bool) -> int:
    """Asks until end of input (Ctrl-D) or .quit."""
    output.say("SQL, ended by a semicolon. .tables lists what there is, .schema NAME explains it, Ctrl-D ends.")
    session: PromptSession[str] = PromptSession(
        "damopipe> ",
        history=_history(),
        completer=WordCompleter(sorted(_names(store)), ignore_case=True),
        complete_while_typing=False,
        multiline=Condition(lambda: _unfinished(session.default_buffer.text)),
        prompt_continuation="     ...> ",
    )
    while True:
        try:
            text = session.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if text.strip() in (".quit", ".exit"):
            return 0
        if text.strip():
            _answer(store, text, form, allow_files)


def _answer(store: Store, text: str, form: str, allow_files: bool) -> None:
    try:
        show(store, text, form, allow_files)
    except DamopipeError as error:
        output.error(error)
    except KeyboardInterrupt:
        output.say("interrupted")


def _unfinished(text: str) -> bool:
    """Whether Enter continues the statement: it is no dot command and has no semicolon yet."""
    bare = text.strip()
    return bool(bare) and not bare.startswith(".") and not bare.endswith(";")


def _names(store: Store) -> set[str]:
    from damopipe.store.schema_text import names

    return {*_WORDS, ".tables", ".schema", ".quit", *names(store)}


def _history() -> History:
    """In $XDG_STATE_HOME, readable by its owner alone; in memory where that cannot be written."""
    place = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "damopipe" / "sql_history"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(place))
