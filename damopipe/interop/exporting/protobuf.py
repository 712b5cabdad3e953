"""Messages of Protocol Buffers, as much as a trace needs: numbers, text, floats, messages in messages.

Source: the encoding as protobuf's documentation describes it; a field's key is its number and how its value is told.
"""

from __future__ import annotations

import struct

VARINT, FIXED64, BYTES = 0, 1, 2


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as the 64 bits of its two's complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field: int, value: int) -> bytes:
    """An integer, an enum or a truth."""
    return varint(field << 3 | VARINT) + varint(value)


def real(field: int, value: float) -> bytes:
    """A double."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", value)


def nested(field: int, value: bytes) -> bytes:
    """Bytes, or a message."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """A string."""
    return nested(field, value.encode("utf-8", "replace"))
