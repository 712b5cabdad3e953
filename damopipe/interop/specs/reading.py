"""What a file is, found from its bytes, and its draft. A pipeline is none: it is turned the other way.

Invariant: whatever the bytes are, the answer is a draft, or one line that says what was found and what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli

from damopipe.errors import UsageError
from damopipe.interop.specs import command, memtierd, schemes_text, sysfs_listing, yaml_text
from damopipe.interop.specs.draft import Draft
from damopipe.interop.specs.kdamonds import kdamonds_draft, schemes_draft
from damopipe.interop.specs.node import Node

LARGEST = 1 << 24
"""Bytes; a spec has some thousand."""
_TOML = re.compile(r"^\s*(?:#:schema|version\s*=|\[\[?[\w.]+\]\]?\s*(?:#.*)?$|\w+\s*=\s*[\"\[{\d])", re.MULTILINE)
_YAML = re.compile(r"^(?:---|- |[\"']?\w+[\"']?\s*:(?:\s|$))", re.MULTILINE)
_KNOWN = "damo's kdamonds or schemes as JSON or YAML, a schemes file, a damo command line, memtierd's YAML and pipelines"


def decoded(raw: bytes, label: str) -> str:
    """The text of a file. Raises UsageError for what is none."""
    if len(raw) > LARGEST:
        raise UsageError(f"{label}: is larger than 16 MiB, which no spec is; recordings are for damopipe import")
    if raw[:1] == b"\x78" or raw[:8] == b"PERFILE2" or b"\0" in raw:
        raise UsageError(f"{label}: is binary; a recording is for damopipe import")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageError(f"{label}:{line}: is not UTF-8 text; save it as UTF-8") from None


def is_pipeline(text: str) -> bool:
    """Whether a text is a pipeline, or was to be one."""
    if text.lstrip()[:1] == "{" or _json(text) is not None:
        return False
    try:
        return bool(tomli.loads(text))
    except (tomli.TOMLDecodeError, RecursionError, ValueError):
        return bool(_TOML.search(text)) and not command.looks_like(text)


def draft_of(text: str, label: str, folder: Path) -> Draft:
    """The draft of a spec; files that it names are looked for in `folder`. Raises UsageError."""
    with _in_one_line(label):
        return _draft(text, label, folder)


def command_draft(text: str, folder: Path) -> Draft:
    """The draft of a damo command line. Raises UsageError."""
    with _in_one_line(command.LABEL):
        return command.read(text, lambda name: _named(name, folder))


@contextmanager
def _in_one_line(label: str) -> Iterator[None]:
    """Numbers of thousands of digits and tables in thousands of tables are no specs, and raise what Python raises."""
    try:
        yield
    except (RecursionError, ValueError, OverflowError) as error:
        raise UsageError(f"{label}: makes no sense as a spec ({type(error).__name__})") from None


def _draft(text: str, label: str, folder: Path) -> Draft:
    if not text.strip():
        raise UsageError(f"{label}: is empty")
    tree = _json(text)
    if tree is not None:
        return _of_tree(tree, label)
    if text.lstrip()[:1] in ("{", "["):
        raise UsageError(_json_problem(text, label))
    if command.looks_like(text):
        return command_draft(text, folder)
    if schemes_text.looks_like(text):
        return schemes_text.read(text, label)
    if _YAML.search(text):
        return _of_tree(yaml_text.load(text, label), label)
    return schemes_text.read(text, label) if not _words(text) else _unknown(label)


def _words(text: str) -> bool:
    """Whether there is anything but comments."""
    return any(line.partition("#")[0].strip() for line in text.splitlines())


def _json(text: str) -> Any:
    """A JSON object or list; None for any other text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _json_problem(text: str, label: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{label}:{error.lineno}: is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at column {error.colno}"
    except (ValueError, RecursionError):
        pass
    return f"{label}: is no JSON that makes sense"


def _of_tree(tree: Any, label: str) -> Draft:
    node = Node(tree, label)
    if isinstance(tree, list):
        return _of_list(node, tree, label)
    if not isinstance(tree, dict):
        return _unknown(label)
    if sysfs_listing.FIRST in tree:
        return sysfs_listing.read(node)
    if memtierd.is_one(tree):
        return memtierd.read(node, yaml_text.load)
    if "kdamonds" in tree:
        return kdamonds_draft(node.at("kdamonds"))
    if "contexts" in tree:
        return kdamonds_draft(Node([tree], label))
    if "schemes" in tree:
        return schemes_draft(node.at("schemes"))
    return _unknown(label)


def _of_list(node: Node, found: list[Any], label: str) -> Draft:
    keys = {key for one in found if isinstance(one, dict) for key in one}
    if "contexts" in keys:
        return kdamonds_draft(node)
    if "snapshots" in keys:
        raise UsageError(f"{label}: is a recording of damo; damopipe import takes it in")
    if keys & {"time", "footprints", "procvmas", "proc_stats"}:
        raise UsageError(f"{label}: is what damo writes beside a recording; damopipe import takes it in with the recording")
    return schemes_draft(node) if keys & {"action", "access_pattern"} else _unknown(label)


def _unknown(label: str) -> Draft:
    raise UsageError(f"{label}: is no spec that damopipe knows; it reads {_KNOWN}")


def _named(name: str, folder: Path) -> Draft:
    """A file that a command line names, or the JSON itself."""
    if name.lstrip()[:1] in ("{", "["):
        return draft_of(name, "its JSON", folder)
    try:
        raw = (folder / name).read_bytes()
    except (OSError, ValueError):
        raise UsageError(f"{name!r} cannot be read; convert that file, it says everything") from None
    text = decoded(raw, name)
    if command.looks_like(text):
        raise UsageError(f"{name}: is a command line again")
    return draft_of(text, name, folder)
