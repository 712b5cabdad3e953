"""Human numbers there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe import units
from damopipe.errors import UsageError

NUMBERS = st.integers(0, units.U64_MAX)
PAIRS = [
    (units.parse_bytes, units.format_bytes),
    (units.parse_time_us, units.format_time_us),
    (units.parse_bp, units.format_bp),
    (units.parse_permil, units.format_permil),
]
SPANS = [(0.012, "12 ms"), (20, "20 s"), (125, "2 m 5 s"), (7200, "2 h"), (3720, "1 h 2 m")]
PARSERS = [units.parse_bytes, units.parse_time_ns, units.parse_time_us, units.parse_time_ms, units.parse_bp, units.parse_permil]


@pytest.mark.parametrize(("parse", "show"), PAIRS)
@given(number=NUMBERS)
def test_parsing_undoes_formatting(parse, show, number: int) -> None:  # type: ignore[no-untyped-def]
    if parse is units.parse_time_us and units.U64_MAX // 1000 < number < units.U64_MAX:
        return  # more nanoseconds than 64 bits hold
    assert parse(show(number)) == number


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(max_size=200) | st.from_regex(r"[0-9., _]{0,80}[a-zA-Z%]{0,4}", fullmatch=True))
def test_any_text_is_a_number_or_an_error(parse, text: str) -> None:  # type: ignore[no-untyped-def]
    try:
        assert 0 <= parse(text) <= units.U64_MAX
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "count"),
    [("2MiB", 2 << 20), ("2 MB", 2 << 20), ("2m", 2 << 20), ("1.5GiB", 3 << 29), ("1,000", 1000), ("0", 0), ("max", 2**64 - 1)],
)
def test_sizes(text: str, count: int) -> None:
    assert units.parse_bytes(text) == count


@pytest.mark.parametrize(
    ("text", "us"), [("5ms", 5000), ("1.5 s", 1_500_000), ("2 m 30 s", 150_000_000), ("0", 0), ("1h", 3_600_000_000)]
)
def test_times(text: str, us: int) -> None:
    assert units.parse_time_us(text) == us


@pytest.mark.parametrize("text", ["5", "5 parsecs", "-1s", "", "s", "1e3s", "0.5us", "1 s 2", "99999999999999999999s", "٣s"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError):
        units.parse_time_us(text)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (64 << 20, "64.0 MiB"), (1 << 50, "1.0 PiB"), (1000 << 20, "1,000 MiB")]
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert units.approx_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.012, "12 ms"), (20, "20 s"), (125, "2 m 5 s"), (7200, "2 h"), (3720, "1 h 2 m")]
)
def test_times_for_people(seconds: float, text: str) -> None:
    assert units.approx_time(seconds) == text
