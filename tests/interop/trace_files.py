"""trace.dat and perf.data made by hand, out of pages or events: as trace-cmd and perf would have written them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import zstandard

COMMON = """format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

"""
_ARGUMENTS = ", ".join(f"REC->{name}" for name in ("target_id", "nr_regions", "start", "end", "nr_accesses", "age"))
AGGREGATED = f"""name: damon_aggregated
ID: 734
{COMMON}\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;
\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;
\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;
\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;
\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;
\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;

print fmt: "target_id=%lu nr_regions=%u %lu-%lu: %u %u", {_ARGUMENTS}
"""
TUNED = f"""name: damon_monitor_intervals_tune
ID: 740
{COMMON}\tfield:unsigned long sample_us;\toffset:8;\tsize:8;\tsigned:0;

print fmt: "sample_us=%lu", REC->sample_us
"""
OTHER = f"""name: sched_switch
ID: 300
{COMMON}\tfield:int prev_pid;\toffset:8;\tsize:4;\tsigned:1;

print fmt: "%d", REC->prev_pid
"""
HEADER_PAGE = """\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;
"""
PAGE = 4096
Event = tuple[int, bytes]
"""A time in ns, and the record from common_type on."""


def aggregated(target: int, total: int, start: int, end: int, hits: int, age: int, tid: int = 4452) -> bytes:
    return struct.pack("<HBBiQIxxxxQQII", 734, 0, 0, tid, target, total, start, end, hits, age)


def tuned(sample_us: int, tid: int = 4452) -> bytes:
    return struct.pack("<HBBiQ", 740, 0, 0, tid, sample_us)


def pages(events: Sequence[Event]) -> bytes:
    """Sub-buffers with these events; each has an absolute time of its own in front."""
    found: list[bytes] = []
    page, began, first = b"", 0, 0
    for ns, record in events:
        began = began if page else ns
        delta = ns - began
        item = b""
        if delta >= 1 << 27:  # more than an event's own head has room for
            item, delta = struct.pack("<II", (delta & ((1 << 27) - 1)) << 5 | 30, delta >> 27), 0
        item += struct.pack("<I", delta << 5 | len(record) // 4) + record
        if len(page) + len(item) > PAGE - 16:
            found.append(struct.pack("<QQ", first, len(page)) + page.ljust(PAGE - 16, b"\0"))
            page, began = b"", ns
            item = struct.pack("<I", len(record) // 4) + record
        if not page:
            first = ns
        page += item
        began = ns
    return b"".join([*found, struct.pack("<QQ", first, len(page)) + page.ljust(PAGE - 16, b"\0")] if page else found)


def _sized(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _pages_section(header_page: str) -> bytes:
    return b"header_page\0" + _sized(header_page) + b"header_event\0" + _sized("# compressed entry header\n")


def _events_section(formats: Sequence[str]) -> bytes:
    of_damon = [text for text in formats if text.startswith("name: dam")]
    others = [text for text in formats if text not in of_damon]
    systems = [("damon", of_damon), ("sched", others)]
    parts = [struct.pack("<I", len(systems))]
    for name, texts in systems:
        parts += [name.encode() + b"\0", struct.pack("<I", len(texts)), *map(_sized, texts)]
    return b"".join(parts)


def tracing(version: str) -> bytes:
    return b"\x17\x08\x44tracing" + version.encode() + b"\0" + bytes([0, 8]) + struct.pack("<I", PAGE)


def head(formats: Sequence[str], header_page: str = HEADER_PAGE) -> bytes:
    """What perf keeps of a kernel's events, and version 6 begins with."""
    return tracing("6") + _pages_section(header_page) + struct.pack("<I", 0) + _events_section(formats)


def _option(kind: int, data: bytes) -> bytes:
    return struct.pack("<HI", kind, len(data)) + data


def version_6(
    processors: Sequence[bytes], formats: Sequence[str] = (AGGREGATED, TUNED), options: Sequence[tuple[int, bytes]] = ()
) -> bytes:
    """A trace.dat of version 6; `processors` are the pages of each."""
    found = head(formats) + struct.pack("<IIQI", 0, 0, 0, len(processors))
    if options:
        found += b"options  \0" + b"".join(_option(*option) for option in options) + struct.pack("<H", 0)
    found += b"flyrecord\0"
    at = -(-(len(found) + 16 * len(processors)) // PAGE) * PAGE
    places, data = [], b""
    for one in processors:
        places.append(struct.pack("<QQ", at + len(data), len(one)))
        data += one
    return (found + b"".join(places)).ljust(at, b"\0") + data


def _packed(name: str, data: bytes) -> bytes:
    found = zstandard.compress(data) if name == "zstd" else zlib.compress(data)
    return struct.pack("<II", len(found), len(data)) + found


def _chunked(name: str, data: bytes, chunk: int = 4 * PAGE) -> bytes:
    chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    return struct.pack("<I", len(chunks)) + b"".join(_packed(name, one) for one in chunks)


def version_7(
    processors: Sequence[bytes],
    formats: Sequence[str] = (AGGREGATED, TUNED),
    packing: str = "none",
    options: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """A trace.dat of version 7: its sections, the options last."""
    found = tracing("7") + packing.encode() + b"\x001.0\0"
    place = len(found)
    found += bytes(8)
    every = list(options)
    is_packed = packing != "none"
    for kind, data in ((16, _pages_section(HEADER_PAGE)), (17, struct.pack("<I", 0)), (18, _events_section(formats))):
        every.append((kind, struct.pack("<Q", len(found))))
        data = _packed(packing, data) if is_packed else data
        found += struct.pack("<HHIQ", kind, int(is_packed), 0, len(data)) + data
    buffer_at = len(found)
    parts = [_chunked(packing, one) if is_packed else one for one in processors]
    found += struct.pack("<HHIQ", 3, int(is_packed), 0, sum(map(len, parts)))
    found = found.ljust(-(-len(found) // PAGE) * PAGE, b"\0")
    option = struct.pack("<Q", buffer_at) + b"\0mono\0" + struct.pack("<II", PAGE, len(parts))
    for cpu, part in enumerate(parts):
        option += struct.pack("<IQQ", cpu, len(found), len(part))
        found += part
    every.append((3, option))
    data = b"".join(_option(*one) for one in every) + _option(0, bytes(8))
    options_at = len(found)
    found += struct.pack("<HHIQ", 0, 0, 0, len(data)) + data
    return found[:place] + struct.pack("<Q", options_at) + found[place + 8 :]


TID, TIME, CPU, PERIOD, CHAIN, RAW, IDENTIFIER = 1 << 1, 1 << 2, 1 << 7, 1 << 8, 1 << 5, 1 << 10, 1 << 16
USUAL = IDENTIFIER | TID | TIME | CPU | PERIOD | RAW


def sample(ns: int, record: bytes, chain: Sequence[int] | None = None, tid: int = 4452) -> bytes:
    """A PERF_RECORD_SAMPLE of the usual fields; with a call chain if one is given."""
    middle = b"" if chain is None else struct.pack(f"<Q{len(chain)}Q", len(chain), *chain)
    raw = struct.pack("<I", len(record) + 4) + record + bytes(4)
    raw += bytes(-len(raw) % 8)
    body = struct.pack("<QIIQIIQ", int.from_bytes(record[:2], "little"), tid, tid, ns, 0, 0, 1) + middle + raw
    return struct.pack("<IHH", 9, 1, 8 + len(body)) + body


def compressed(records: bytes, piece: int = 1000) -> bytes:
    """PERF_RECORD_COMPRESSED, one stream of zstd in pieces that end anywhere."""
    packer = zstandard.ZstdCompressor().compressobj()
    found = b""
    for at in range(0, len(records), piece):
        data = packer.compress(records[at : at + piece]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        found += struct.pack("<IHH", 81, 0, 8 + len(data)) + data
    return found


def perf_data(
    records: bytes, formats: Sequence[str] = (AGGREGATED, TUNED), attributes: Sequence[tuple[int, int, int]] | None = None
) -> bytes:
    """A perf.data file; an attribute is kind, config (of a tracepoint also what its samples are known by), sample_type."""
    attributes = [(2, 734, USUAL), (2, 740, USUAL)] if attributes is None else attributes
    ids_at, attrs_at = 104, 104 + 8 * len(attributes)
    ids = b"".join(struct.pack("<Q", config) for _, config, _ in attributes)
    attrs = b"".join(
        struct.pack("<IIQQQQ", kind, 128, config, 1, sample, 4).ljust(128, b"\0") + struct.pack("<QQ", ids_at + 8 * place, 8)
        for place, (kind, config, sample) in enumerate(attributes)
    )
    data_at = attrs_at + len(attrs)
    sections = {1: head(formats) + struct.pack("<IIQ", 0, 0, 0)} if formats else {}
    if struct.pack("<I", 81) in records:
        sections[27] = struct.pack("<5I", 1, 1, 1, 4, 1 << 20)  # how it is compressed, which perf wants to know
    places = (attrs_at, len(attrs), data_at, len(records), 0, 0)
    features = (sum(1 << kind for kind in sections), 0, 0, 0)
    found = struct.pack("<8sQQQQQQQQ4Q", b"PERFILE2", 104, 144, *places, *features) + ids + attrs + records
    at, table = len(found) + 16 * len(sections), b""
    for data in sections.values():
        table += struct.pack("<QQ", at, len(data))
        at += len(data)
    return found + table + b"".join(sections.values())
