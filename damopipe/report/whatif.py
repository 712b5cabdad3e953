"""The answer to a what-if as text: a table of variants, the recommendation, what is to be known of it. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from damopipe import units
from damopipe.report.terminal_parts import Screen, cut
from damopipe.whatif.outcome import is_hot
from damopipe.whatif.words import said

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading
    from damopipe.whatif.outcome import Answer, Churn, Outcome, Quota

BAR = 16
"""Characters of the longest bar."""
MARK = "◄"
"""The recommended variant."""
PAIRS = 6
"""Of opposites that are spoken of."""


def screenful(answer: Answer, heading: Heading, screen: Screen, schemes: Sequence[str] = ()) -> Iterator[str]:
    """For a terminal: bars of what is saved, the table, and the recommended schemes as `[[scheme]]` tables."""
    yield heading.title("What-if")
    yield from cut(heading.subtitle()[0], screen)
    yield from cut(_about(answer), screen)
    for number in answer.numbers:
        mine = [one for one in answer.outcomes if one.variant.number == number]
        yield ""
        yield f"{mine[0].variant.scheme.name} ({mine[0].variant.scheme.action})"
        for line in _lines(answer, mine, screen):
            yield from cut(line, screen)
    yield ""
    for line in [*said(answer), *churned(answer)]:
        yield from textwrap.wrap(line, screen.columns)
    for scheme in schemes:
        yield ""
        yield scheme
    yield ""
    yield "assumed:"
    for line in answer.assumptions:
        yield from textwrap.wrap(line, screen.columns, initial_indent="- ", subsequent_indent="  ")


def markdown(answer: Answer, heading: Heading, schemes: Sequence[str] = ()) -> str:
    """The same as a page of Markdown."""
    lines = [f"# {heading.title('What-if')}", "", f"{heading.subtitle()[0]}; {_about(answer)}", ""]
    for number in answer.numbers:
        mine = [one for one in answer.outcomes if one.variant.number == number]
        best = answer.recommended(number)
        found = table(answer, mine) | {"recommended": ["yes" if one is best else "" for one in mine]}
        lines += [f"## {mine[0].variant.scheme.name} ({mine[0].variant.scheme.action})", ""]
        lines += [_cells(list(found)), _cells(["---", *["---:"] * (len(found) - 2), "---"])]
        lines += [*map(_cells, zip(*found.values(), strict=True)), ""]
    lines += [*(f"- {line}" for line in [*said(answer), *churned(answer)]), ""]
    for scheme in schemes:
        lines += ["```toml", scheme, "```", ""]
    lines += ["Assumed:", ""]
    return "\n".join([*lines, *(f"- {line}" for line in answer.assumptions)]) + "\n"


def _about(answer: Answer) -> str:
    sizes = f"working set {units.approx_bytes(answer.working_set_bytes)} of {units.approx_bytes(answer.watched_bytes)} watched"
    rss = "" if answer.rss_bytes is None else f", {units.approx_bytes(answer.rss_bytes)} resident"
    return f"{units.approx_time(answer.seconds)} replayed, {sizes}{rss}"


def table(answer: Answer, mine: Sequence[Outcome]) -> dict[str, list[str]]:
    """Columns of text by their names, a row a variant."""
    ends = "cooled" if is_hot(mine[0].variant.scheme.action) else "again"
    found = {
        "variant": [one.variant.label for one in mine],
        "saved" if ends == "again" else "held": [_bytes(one.saved_bytes) for one in mine],
        "resident": [_bytes(one.resident_bytes) for one in mine],
        "selected": [_bytes(one.selected_bytes) for one in mine],
        "stayed": ["-" if one.stayed_us is None else units.approx_time(one.stayed_us / 1e6) for one in mine],
    }
    if answer.rss_bytes is None:
        del found["resident"]
    for place, within in enumerate(("1 s", "10 s", "1 min", "10 min")):
        name = f"{ends} in 1 s" if place == 0 else within
        found[name] = [_bytes(one.within_bytes[place]) for one in mine]
    found["%/min"] = [_rate(one.promotion_percent) for one in mine]
    if any(one.quota for one in mine):
        names = ("let through", "done after", "then saved", "then %/min")
        found |= dict(zip(names, map(list, zip(*(_limited(one.quota) for one in mine), strict=True)), strict=True))
    return found


def _fitting(found: dict[str, list[str]], wide: int) -> dict[str, list[str]]:
    """Without what there is no room for; the least important goes first."""
    kept = dict(found)
    for name in ("10 s", "10 min", "stayed", "selected", "let through", "1 min"):
        if sum(2 + max(map(len, [key, *values])) for key, values in kept.items()) <= wide:
            break
        kept.pop(name, None)
    return kept


def _lines(answer: Answer, mine: Sequence[Outcome], screen: Screen) -> Iterator[str]:
    """The variants that the recording can tell of, with bars as long as there is room; the others in one line."""
    told = [one for one in mine if one.saved_bytes is not None]
    if told:
        best = answer.recommended(mine[0].variant.number)
        kept = _fitting(table(answer, told), screen.columns - 4)
        rows = list(_aligned([list(kept), *map(list, zip(*kept.values(), strict=True))]))
        room = max(0, min(BAR, screen.columns - len(rows[0]) - 4))
        most = max(one.shown_saving for one in told) or 1.0
        yield rows[0]
        for row, one in zip(rows[1:], told, strict=True):
            yield f"{row}  {'█' * round(one.shown_saving / most * room)}{f' {MARK}' if one is best else ''}".rstrip()
    if len(told) < len(mine):
        names = ", ".join(one.variant.label for one in mine if one.saved_bytes is None)
        yield from textwrap.wrap(f"too long for this recording: {names}", screen.columns)


def _limited(quota: Quota | None) -> list[str]:
    if quota is None:
        return ["-"] * 4
    done = "never" if quota.done_us is None else units.approx_time(quota.done_us / 1e6)
    return [_bytes(quota.let_through_bytes), done, _bytes(quota.saved_bytes), _rate(quota.promotion_percent)]


def _bytes(size: float | None) -> str:
    return "-" if size is None else "0" if size == 0 else units.approx_bytes(size)


def _rate(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:.3g}"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """Numbers to the right."""
    wide = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for first, *rest in rows:
        yield "  ".join([f"{first:{wide[0]}}", *(f"{text:>{size}}" for text, size in zip(rest, wide[1:], strict=True))])


def _cells(row: Sequence[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|").strip() for text in row) + " |"


def churned(answer: Answer) -> Iterator[str]:
    """What opposing schemes would have undone of each other; quotas do not count."""
    told = dict.fromkeys(map(_pair, answer.churn))
    yield from list(told)[:PAIRS]
    if len(told) > PAIRS:
        yield f"and {len(told) - PAIRS} more pairs: --json has them"


def _pair(one: Churn) -> str:
    names = [f"{each.scheme.name} (age {units.format_time_us(each.scheme.pattern.age.min)})" for each in (one.one, one.other)]
    there, back = _bytes(one.there_bytes), _bytes(one.back_bytes)
    return f"churn: {names[1]} selects {there} within a minute of {names[0]}, and {back} the other way round"
