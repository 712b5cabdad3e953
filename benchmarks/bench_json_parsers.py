"""How fast parsers of JSON take one of damo's records, whole and unpacked, beside the standard library's.

    python benchmarks/bench_json_parsers.py [REGIONS]

orjson is measured where it is installed: damopipe does not need it. Each line is the least processor time of some rounds.
"""

# ruff: noqa: T201
from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
from bench_import import REGIONS, Record, cost, made

from tests.interop import files


def main() -> None:
    """Prints one line a parser."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    text = files.as_json(files.record(made(count // REGIONS)))
    print(f"{count} regions, {len(text) / 1e6:.0f} MB")
    floor = 0.0
    for name, parse in parsers().items():
        gc.collect()
        spent = cost(lambda: parse(text))  # noqa: B023
        floor = floor or spent
        print(f"{name:32} {spent:6.2f} s {count / spent / 1e6:6.2f} M/s {floor / spent:6.1f} x as fast as the standard library")


def parsers() -> dict[str, Callable[[bytes], object]]:
    found: dict[str, Callable[[bytes], object]] = {"standard library": json.loads}
    if find_spec("orjson"):
        found["orjson"] = import_module("orjson").loads
    found["msgspec, as dicts"] = msgspec.json.decode
    found["msgspec, what the reader takes"] = msgspec.json.Decoder(list[Record]).decode
    return found


if __name__ == "__main__":
    main()
