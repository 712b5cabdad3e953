"""Rates as pixels: a palette PNG as a data URI, which Vega-Lite places as one image.

One rectangle a cell would take minutes to render and megabytes of SVG. The encoder is ours: an imaging library would be
a large dependency for one call of zlib. Format: PNG specification (ISO/IEC 15948), colour type 3.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from damopipe.records import Column

LEVELS = 250
"""Colours of the scale; the palette has one more, for what was not watched."""


def data_uri(levels: Column, colours: Sequence[str], unwatched: str, width: int, height: int) -> str:
    """A PNG of `levels` ([row, column], 0..1, NaN where not watched, row 0 at the bottom), every cell with crisp edges."""
    rows = np.arange(height)[::-1] * levels.shape[0] // height
    columns = np.arange(width) * levels.shape[1] // width
    index = np.where(np.isnan(levels), LEVELS, np.clip(np.nan_to_num(levels) * LEVELS, 0, LEVELS - 1))
    pixels = index.astype(np.uint8)[np.ix_(rows, columns)]
    return "data:image/png;base64," + base64.b64encode(png(pixels, palette(colours, unwatched))).decode()


def palette(colours: Sequence[str], unwatched: str) -> bytes:
    """`LEVELS` colours between the given ones, and that of what was not watched."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours], float)
    places = np.linspace(0, len(colours) - 1, LEVELS)
    between = [np.interp(places, np.arange(len(colours)), anchors[:, channel]) for channel in range(3)]
    return np.round(np.stack(between, axis=1)).astype(np.uint8).tobytes() + bytes.fromhex(unwatched[1:])


def png(pixels: Column, colours: bytes) -> bytes:
    """A PNG file of palette indexes, [row, column], row 0 at the top."""
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    lines = np.zeros((height, width + 1), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = pixels
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
