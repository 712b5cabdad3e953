"""YAML as plain tables, lists, texts and numbers: PyYAML's safe loader, and nothing that becomes more than was written.

Invariant: reading takes memory and time of the order of the text: aliases that multiply each other, or hold themselves, are
refused.
"""

from __future__ import annotations

from typing import Any

from damopipe.errors import MachineError, UsageError

LONGEST = 1 << 20
"""Characters; damo's specs and memtierd's configurations have some thousand."""
MOST_NODES = 100_000


def load(text: str, label: str) -> Any:
    """The one document of a text. Raises UsageError with line and column; MachineError where PyYAML is missing."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise MachineError(f"{label}: is YAML, and PyYAML, which reads it, is not installed; install damopipe anew") from None
    if len(text) > LONGEST:
        raise UsageError(f"{label}: is YAML of more than {LONGEST:,} characters, which no spec is")
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if _nodes(node, {}, set()) > MOST_NODES:
            raise UsageError(f"{label}: its aliases multiply to more than {MOST_NODES:,} values, which no spec has")
        return None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise UsageError(f"{label}{_place(error)}: is not YAML: {_problem(error)}") from None
    except (ValueError, OverflowError, RecursionError, TypeError) as error:
        raise UsageError(f"{label}: is no YAML that makes sense ({type(error).__name__})") from None
    finally:
        if loader is not None:
            loader.dispose()


def _nodes(node: Any, known: dict[int, int], above: set[int]) -> int:
    """How many values a node becomes when every alias is followed."""
    if id(node) in above:
        return MOST_NODES + 1
    if id(node) not in known:
        above.add(id(node))
        value = getattr(node, "value", None)
        parts = (
            [part for item in value for part in (item if isinstance(item, tuple) else (item,))] if isinstance(value, list) else []
        )
        known[id(node)] = 1 + sum(_nodes(part, known, above) for part in parts)
        above.discard(id(node))
    return known[id(node)]


def _place(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark is not None else ""


def _problem(error: Any) -> str:
    found = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"{found}" + (f" at column {mark.column + 1}" if mark is not None else "")
