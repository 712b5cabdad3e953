"""A line wherever it is sure, none where it is not."""

from __future__ import annotations

import pytest

from damopipe.pipeline.lines import Lines

TEXT = '''version = 1
[monitoring]
sample = "5ms"
regions = { min = 1, max = 2 }

[[scheme]]
action = "pageout"
filters = [
  { type = "anon" },
]
description = """
[[scheme]]
action = "not a key"
"""
after = 1
[[scheme]]
action = "stat"
[[context]]
[[context.scheme]]
a = 1
[[context.scheme]]
a = 2
[[context]]
[[context.scheme]]
a = "x # [ {"
b = [1, # ]
  2]
c = 3
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("version", 1),
        ("monitoring.sample", 3),
        ("monitoring.regions.min", 4),
        ("scheme[0].action", 7),
        ("scheme[0].filters", 8),
        ("scheme[0].filters[0].type", None),
        ("scheme[0].after", 15),
        ("scheme[1].action", 17),
        ("scheme[1].quotta", 16),
        ("context[0].scheme[1].a", 22),
        ("context[1].scheme[0].a", 25),
        ("context[1].scheme[0].b[1]", None),
        ("context[1].scheme[0].c", 28),
        ("scheme", 6),
        ("nowhere", None),
    ],
)
def test_line_of(key: str, line: int | None) -> None:
    assert Lines(TEXT).of(key) == line
