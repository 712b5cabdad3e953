"""What a file is, by its first bytes. Its name says nothing; `file` is never asked.

Sources: the formats' own magic numbers; damo's and perf's formats as in docs/from-damo.md.
"""

from __future__ import annotations

import re

from damopipe.errors import UsageError

_MAGIC = (
    (b"PERFILE2", "perf.data"),
    (b"\x17\x08\x44tracing", "trace.dat"),
    (b"damon_recfmt_ver", "binary"),
)
_FOREIGN = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a program (ELF)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file, and none of a run that damopipe export wrote (those lie beside run.parquet)"),
)
_EVENT = re.compile(rb"damo(?:n|s)_[a-z_]+(?:\(|: +)[a-z_]+[=:]")
_TRACE = re.compile(rb"^[^\n\0]{3,200}? [0-9]{1,9}\.[0-9]{6,9}: +(?:[a-z_]+:)?[a-z_0-9]+:", re.MULTILINE)
"""A line of a trace, of whatever event: those of DAMON may come later."""
_RAW = re.compile(rb"^(?:base_time_absolute|start_time|monitoring_start|rel time):", re.MULTILINE)
_MEMTIERD = re.compile(rb"^(?:memtierd> *)? *timestamp +pid +addr +pages +accs +writes *\r?$", re.MULTILINE)
_JSON = re.compile(rb"\s*\[\s*(?:[\"\[0-9-]|true|false|null)")
_RECORDS = re.compile(rb"\s*\[\s*(?:\{|\]|$)")
_ZLIB = re.compile(rb"x[\x01\x5e\x9c\xda]")


def form(head: bytes, label: str) -> str:
    """Which reader takes a file that begins so. Raises UsageError, saying what it is instead."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if _ZLIB.match(head) or _RECORDS.match(head):
        return "json"
    if _EVENT.search(head):
        return "events"
    if _TRACE.search(head):
        return "events"
    if _MEMTIERD.search(head):
        return "memtierd"
    if _RAW.search(head):
        return "raw"
    if _is_old_binary(head):
        return "binary"
    raise UsageError(f"{label}: {_foreign(head)}; damopipe import takes recordings of damo, perf, trace-cmd and memtierd")


def _is_old_binary(head: bytes) -> bool:
    """Version 0 has no magic: seconds, nanoseconds below 1e9, a small count of targets, one of regions."""
    if len(head) < 32:
        return False
    seconds, nanoseconds = (int.from_bytes(head[at : at + 8], "little", signed=True) for at in (0, 8))
    targets, regions = (int.from_bytes(head[at : at + 4], "little") for at in (16, 28))
    return 0 <= seconds < 1 << 33 and 0 <= nanoseconds < 10**9 and 0 < targets <= 64 and regions <= 1 << 20


def _foreign(head: bytes) -> str:
    if not head:
        return "is empty"
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            return f"is {what}"
    if head[8:12] == b"DUCK":
        return "is a DuckDB file (a store is named with --store)"
    if head.lstrip()[:1] == b"{":
        return "is a JSON object; a record of damo is a list"
    if _JSON.match(head):
        return "is JSON, but no list of damo's records"
    text = not re.search(rb"[\x00-\x08\x0e-\x1f]", head[:4096])
    return "is text without events of DAMON" if text else "is of no known kind"
