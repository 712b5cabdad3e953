"""masim's format: what is read, and the one line that a mistake gives."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from damopipe.errors import UsageError
from damopipe.workload import SHAPES, Pattern, Phase, Region, Workload, load
from damopipe.workload.masim import parse

SMALL = """# regions
hot, 1000000
cold , 64 MiB, none   # trailing comment
file, 4096, data.bin

# a phase, after a comment that ends no paragraph
warm up
  500
hot, 0, 4096, 1
cold,1,64,9,rw
\t
read
1500
file, 0, 4096, 1, ro
"""


def test_everything_the_format_can_say() -> None:
    assert parse(SMALL, "small.cfg") == Workload(
        regions=(Region("hot", 1_000_000), Region("cold", 64 * 2**20), Region("file", 4096, "data.bin")),
        phases=(
            Phase("warm up", 500, (Pattern("hot", False, 4096, 1, "wo"), Pattern("cold", True, 64, 9, "rw"))),
            Phase("read", 1500, (Pattern("file", False, 4096, 1, "ro"),)),
        ),
    )


def test_windows_line_ends_and_missing_last_line_end() -> None:
    assert parse(SMALL.replace("\n", "\r\n").rstrip(), "small.cfg") == parse(SMALL, "small.cfg")


def test_a_phase_without_patterns_is_rest() -> None:
    assert parse("a, 4096\n\nrest\n100", "x").phases == (Phase("rest", 100, ()),)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "x.cfg: no regions; the first paragraph names them, a line each: name, bytes"),
        ("a, 1\n", "x.cfg: no phases; after the regions and a blank line comes: a title, milliseconds, patterns"),
        ("a 1\n\np\n1", "x.cfg:1: 'a 1' is not a region; write: name, bytes[, none or a file]"),
        ("a, ten\n\np\n1", "x.cfg:1: 'ten' is not a size; write it like '2MiB'"),
        ("a, 0\n\np\n1", "x.cfg:1: a region of 0 bytes; write 1 to 70368744177664"),
        ("a, 1\na, 2\n\np\n1", "x.cfg:2: region 'a' is there twice; give each its own name"),
        ("a, 1\n\np", "x.cfg:3: phase 'p' has no duration; write its milliseconds on the next line"),
        ("a, 1\n\np\nsoon", "x.cfg:4: 'soon' is not the milliseconds of a phase; write a whole number from 1 to "
            "2147483648"),
        ("a, 1\n\np\n1\na, 0, 1", "x.cfg:5: 'a, 0, 1' is not a pattern; write: "
            "region, random (0 or 1), stride, weight[, ro|wo|rw]"),
        ("alpha, 1\n\np\n1\nalpah, 0, 1, 1", "x.cfg:5: region 'alpah' is not among the regions; did you mean 'alpha'?"),
        ("a, 1\n\np\n1\na, 2, 1, 1", "x.cfg:5: '2' is not random; write a whole number from 0 to 1"),
        ("a, 1\n\np\n1\na, 0, 0, 1", "x.cfg:5: '0' is not the stride in bytes; write a whole number from 1 to "
            "70368744177664"),
        ("a, 1\n\np\n1\na, 0, 1, -1", "x.cfg:5: '-1' is not the weight; write a whole number from 1 to 1000000000"),
        ("a, 1\n\np\n1\na, 0, 1, 1, wr", "x.cfg:5: 'wr' is not an access mode; write ro, wo or rw"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(text: str, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, "x.cfg")
    assert str(caught.value) == line


@given(st.integers(0, len(SMALL)), st.integers(0, 12), st.text(max_size=6))
@example(0, 0, "٣")  # a digit to Python, not to the format
def test_mutated_text_parses_or_gives_our_error(place: int, cut: int, put: str) -> None:
    text = SMALL[:place] + put + SMALL[place + cut :]
    try:
        parse(text, "x.cfg")
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_lasts_twenty_seconds_and_says_so(name: str) -> None:
    assert load(name).seconds == 20
    assert SHAPES[name].does.endswith(": 20 s")


def test_stairs_are_five_steps_of_64_mib_one_after_the_other() -> None:
    stairs = load("stairs")
    assert [region.size_bytes for region in stairs.regions] == [64 * 2**20] * 5
    assert [phase.patterns[0].region for phase in stairs.phases] == [region.name for region in stairs.regions]


def test_the_hot_tenth_is_a_tenth() -> None:
    hot, cold = load("hot-cold").regions
    assert hot.size_bytes * 9 == cold.size_bytes


def test_growing_touches_one_part_more_each_phase_and_maps_late() -> None:
    growing = load("growing")
    assert growing.maps_late
    assert [len(phase.patterns) for phase in growing.phases] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_lasting_keeps_the_proportions() -> None:
    short = load("hot-cold").lasting(2)
    assert [phase.duration_ms for phase in short.phases] == [300, 1700]
