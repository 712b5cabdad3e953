"""A damo command line, pasted as it stands in a script: `sudo damo start --ops paddr --damos_action pageout …`.

It becomes the tree of damo's JSON, which its own reader takes; what only the command line has (a command to watch, a NUMA
node, what to record) is added behind that.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import PurePath

from damopipe.errors import UsageError
from damopipe.interop.specs.command_contexts import PIDOF, Asked, asked_of, is_pid, kdamonds_of
from damopipe.interop.specs.command_record import record_of
from damopipe.interop.specs.command_schemes import misplaced, schemes_of
from damopipe.interop.specs.draft import Draft
from damopipe.interop.specs.kdamonds import kdamonds_draft
from damopipe.interop.specs.node import Node
from damopipe.interop.specs.options import Given, integer, parse
from damopipe.pipeline.planned import PlannedContext, PlannedTarget
from damopipe.pipeline.values import one_of, shown

LABEL = "damo"
_RUNS = ("start", "tune", "record", "schemes", "monitor", "args")
_ELSEWHERE = {
    "report": "looks at what was recorded; see docs/from-damo.md for its like",
    "stop": "is damopipe stop",
    "reclaim": 'drives a module of the kernel: write [module] with name = "reclaim", as pipelines/damon-reclaim.toml does',
    "lru_sort": 'drives a module of the kernel: write [module] with name = "lru_sort"',
    "module": "drives a module of the kernel: write [module], as pipelines/damon-reclaim.toml does",
    "replay": "does accesses again; damopipe workload runs known ones",
}
_COMMENT = re.compile(r"`\s*#[^`]*`")
_PIDOF = re.compile(r"\$\(\s*(?:pidof|pgrep)(?:\s+-\w+)*\s+([^\s()]+)\s*\)|`\s*(?:pidof|pgrep)(?:\s+-\w+)*\s+([^\s`]+)\s*`")
_SHELL = re.compile(r"[|&;<>$`*?~]")
_CALLS = r"^[ \t]*(?:sudo\s+(?:-\S+\s+)*)?\S*damo\S*\s+(?:{})\b"
_RUN = re.compile(_CALLS.format("|".join(_RUNS)), re.MULTILINE)
_ANY = re.compile(_CALLS.format("\\w+"), re.MULTILINE)
Recall = Callable[[str], Draft]
"""Reads a file that a command line names."""


def looks_like(text: str) -> bool:
    """Whether one of a text's lines calls damo."""
    return bool(_ANY.search(text))


def read(text: str, recall: Recall) -> Draft:
    """The draft of a command line; `recall` reads a file that it names. Raises UsageError."""
    line = _line(text)
    verb, words = _split(line)
    try:
        draft = _draft(verb, parse(words), recall)
    except UsageError as error:
        raise UsageError(f"{LABEL} {verb}: {error}") from None
    draft.line = " ".join(line.split())
    return draft


def _line(text: str) -> str:
    """The line that calls damo, whole."""
    called = _RUN.search(text) or _ANY.search(text)
    text = _COMMENT.sub(" ", text[called.start() :] if called else text)
    return text.replace("\\\n", " ").strip().partition("\n")[0]


def _split(line: str) -> tuple[str, list[str]]:
    """The sub-command and the words behind it."""
    try:
        words = shlex.split(_PIDOF.sub(lambda found: PIDOF + (found[1] or found[2]), line), comments=True)
    except ValueError as error:
        raise UsageError(f"{LABEL}: the command line ends in the middle ({error})") from None
    place = next((n for n, word in enumerate(words) if "damo" in PurePath(word).name), -1)
    words = words[place + 1 :]
    if not words:
        raise UsageError(f"{LABEL}: no sub-command; paste a line like 'damo start --damos_action pageout 1234'")
    verb, rest = words[0], words[1:]
    if verb.startswith("-"):
        return "start", words
    if verb in _ELSEWHERE:
        raise UsageError(f"{LABEL} {verb}: {_ELSEWHERE[verb]}")
    try:
        one_of(verb, _RUNS, "sub-command")
    except ValueError as error:
        raise UsageError(f"{LABEL}: {error}") from None
    return verb, rest[1:] if verb == "args" and rest[:1] == ["damon"] else rest


def _draft(verb: str, given: Given, recall: Recall) -> Draft:
    named = given.first("kdamonds") or (given.target if (given.target or "").endswith((".json", ".yaml", ".yml")) else None)
    if named:
        draft = recall(named)
        draft.noting(None)("damo passes over every other option of DAMON beside a file of kdamonds")
    else:
        draft = _of_options(verb, given, recall)
    draft.form = f"a damo {verb} command line"
    draft.record = record_of(verb, given, draft.noting(None))
    return draft


def _of_options(verb: str, given: Given, recall: Recall) -> Draft:
    asked = asked_of(given.target)
    draft = kdamonds_draft(Node(kdamonds_of(given, asked, schemes_of(given)), ""))
    for place, text in misplaced(given):
        draft.noting(*_of_scheme(draft, place))(text)
    counted = 0
    children = "include_child_tasks" in given or (verb == "record" and "exclude_child_tasks" not in given)
    for number, context in enumerate(draft.contexts):
        named = _named(given, context, counted, asked, children, draft, number)
        counted += len(context.targets)
        draft.contexts[number] = context.model_copy(update={"targets": named})
    if (file := given.first("schemes")) and "damos_action" not in given:
        recalled = recall(file)
        draft.contexts[0] = draft.contexts[0].model_copy(update={"schemes": recalled.contexts[0].schemes})
        draft.notes += recalled.notes
    return draft


def _of_scheme(draft: Draft, place: int) -> tuple[int, str]:
    """The context that has the scheme at `place` of the command line, and its key there."""
    for number, context in enumerate(draft.contexts):
        if place < len(context.schemes):
            return number, f"scheme[{place}]"
        place -= len(context.schemes)
    return 0, ""


def _named(
    given: Given, context: PlannedContext, start: int, asked: Asked, children: bool, draft: Draft, number: int
) -> tuple[PlannedTarget, ...]:
    """The targets, with what damo's JSON cannot say of them."""
    if context.operations == "paddr":
        return (_physical(given, context.targets[0], start, draft, number),)
    return tuple(
        _process(target, asked.pid or given.first("target_pid", start + place), asked.command, children)
        for place, target in enumerate(context.targets)
    )


def _physical(given: Given, target: PlannedTarget, start: int, draft: Draft, number: int) -> PlannedTarget:
    nodes = [integer("--numa_node", one) for one in given.nth("numa_node", start) or ()]
    tell = draft.noting(number, "target[0]")
    if target.ranges:
        return target
    if len(nodes) > 1:
        tell(f"damo: nodes {', '.join(map(str, nodes))}; a target is one node, or give regions")
    if nodes:
        return target.model_copy(update={"numa_node": nodes[0]})
    tell("damo: the largest area of System RAM; here all of it")
    return target


def _process(target: PlannedTarget, pid: str | None, command: str | None, children: bool) -> PlannedTarget:
    kept = {"initial_regions": target.initial_regions, "children": children}
    if command is not None:
        return PlannedTarget(kind="command", command=_words(command), **kept)
    if pid is not None and is_pid(pid) and pid.startswith(PIDOF):
        return PlannedTarget(kind="process", process_name=pid.removeprefix(PIDOF)[:15], **kept)
    return target.model_copy(update=kept)


def _words(command: str) -> tuple[str, ...]:
    """damo gives it to a shell; one is needed only where the command says so."""
    if _SHELL.search(command):
        return ("bash", "-c", command)
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"{shown(command)} is no command ({str(error).lower()})") from None
    if not words or not words[0]:
        raise UsageError("the target is empty; name a pid, a command, or paddr")
    return words
