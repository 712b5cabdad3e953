"""What each variant of a scheme would save, beside what it would cost: a Pareto chart. Rows: an `Answer` of `whatif.replay`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from damopipe.charts.lines import inline, kind_colour
from damopipe.charts.theme import SERIES, WIDTH, byte_unit, config, time_unit
from damopipe.whatif.outcome import is_hot
from damopipe.whatif.words import said

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading
    from damopipe.whatif.outcome import Answer, Outcome

HEIGHT = 360
MOST = 6
"""Variants that are drawn over time."""
LINEAR = 0.01
"""Below this rate the axis is linear, so that 0 is on it."""


def draw_answer(answer: Answer, heading: Heading, theme: str) -> Any:
    """Saving against rate, the recommended points ringed and the objective dashed; below it the bytes selected over time."""
    title = alt.TitleParams(heading.title("What-if"), subtitle=heading.subtitle(*said(answer)))
    whole = alt.vconcat(_pareto(answer, theme), _over_time(answer), spacing=18).resolve_scale(color="independent")
    return whole.properties(title=title).configure(**config(theme))


def _pareto(answer: Answer, theme: str) -> Any:
    ink = config(theme)["axis"]["labelColor"]
    drawn = [one for one in answer.outcomes if one.effective_rate is not None]
    unit, unit_bytes = byte_unit(max((one.shown_saving for one in drawn), default=1.0))
    best = [answer.recommended(number) for number in answer.numbers]
    is_all_hot = all(is_hot(one.variant.scheme.action) for one in answer.outcomes)
    rows = _apart([_point(one, unit_bytes, one in best) for one in drawn])
    colour = kind_colour(_colours(answer), "scheme") if len(answer.numbers) > 1 else alt.value(SERIES[0])
    highest = max([LINEAR, answer.objective_percent, *(float(one.effective_rate or 0) for one in drawn)]) * 1.3
    y = alt.Y(
        "y:Q",
        title=f"{'cooled down' if is_all_hot else 'touched again'}, % of the working set a minute",
        scale=alt.Scale(type="symlog", constant=LINEAR, domain=[0, highest], nice=False),
        axis=alt.Axis(values=_decades(highest), format="~r"),
    )
    x = alt.X("x:Q", title=f"{'held' if is_all_hot else 'saved'} on average ({unit})", scale=alt.Scale(zero=True, nice=True))
    base = alt.Chart(inline(rows)).encode(x=x, y=y)
    tips = [alt.Tooltip("label:N"), alt.Tooltip("x:Q", title=unit), alt.Tooltip("y:Q", title="%/min")]
    line = base.mark_line(strokeWidth=1.5, opacity=0.5).encode(color=colour, order="x:Q", detail="line:N")
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(color=colour, tooltip=tips)
    ring = base.transform_filter("datum.best").mark_point(size=260, strokeWidth=2.5, color=SERIES[1])
    names = base.mark_text(align="left", dx=9, dy=-8, color=ink, fontSize=11).encode(text="text:N")
    rule = alt.Chart(inline([{"y": answer.objective_percent, "text": f"objective {answer.objective_percent:g}%/min"}]))
    marks = [
        rule.mark_rule(strokeDash=[5, 4], color=SERIES[1]).encode(y=y),
        rule.mark_text(align="right", dx=-4, dy=-6, color=SERIES[1], fontSize=11).encode(y=y, x=alt.value(WIDTH), text="text:N"),
    ]
    name = alt.TitleParams("below the dashed line the objective is kept; recommended is ringed", fontSize=12, offset=4)
    return alt.layer(*marks, line, ring, dots, names).properties(width=WIDTH, height=HEIGHT, title=name)


def _point(one: Outcome, unit_bytes: int, is_best: bool) -> dict[str, Any]:
    return {
        "x": round(one.shown_saving / unit_bytes, 6),
        "y": round(float(one.effective_rate or 0), 6),
        "kind": one.variant.scheme.name,
        "label": one.variant.label,
        "text": one.variant.label.removeprefix("age "),
        "line": " ".join([one.variant.scheme.name, *(value for name, value in one.variant.differs if name != "age")]),
        "best": is_best,
    }


def _apart(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points that lie on each other have one text, at the first of them."""
    widest = max((point["x"] for point in points), default=1.0) or 1.0
    seen: dict[tuple[int, float], dict[str, Any]] = {}
    for point in points:
        place = (round(point["x"] / widest * 50), float(f"{point['y']:.1g}"))
        if place in seen:
            seen[place]["text"] += f", {point['text']}"
            point["text"] = ""
        seen.setdefault(place, point)
    return points


def _decades(highest: float) -> list[float]:
    """0 and powers of ten, as many as there are."""
    return [0, *(10.0**e for e in range(-2, 7) if 10.0**e <= highest)]


def _colours(answer: Answer) -> dict[str, str]:
    names = list(dict.fromkeys(one.variant.scheme.name for one in answer.outcomes))
    return {name: SERIES[number % len(SERIES)] for number, name in enumerate(names)}


def _over_time(answer: Answer) -> Any:
    chosen = shown_over_time(answer)
    unit, unit_bytes = byte_unit(max(float(answer.over_time[number].bytes.max()) for number in chosen))
    time, unit_s = time_unit(max(float(answer.over_time[number].seconds[-1]) for number in chosen))
    names = {number: _name(answer, number) for number in chosen}
    rows = [
        {"x": round(at / unit_s, 6), "y": round(size / unit_bytes, 6), "kind": names[number]}
        for number in chosen
        for at, size in zip(answer.over_time[number].seconds.tolist(), answer.over_time[number].bytes.tolist(), strict=True)
    ]
    colour = kind_colour({name: SERIES[n % len(SERIES)] for n, name in enumerate(names.values())}, "selected by")
    line = alt.Chart(inline(rows)).mark_line(interpolate="step-after", strokeWidth=2, point=len(rows) == len(chosen))
    drawn = line.encode(
        x=alt.X("x:Q", title=f"time since the first snapshot ({time})", scale=alt.Scale(zero=True, nice=False)),
        y=alt.Y("y:Q", title=unit, scale=alt.Scale(zero=True)),
        color=colour,
    )
    return drawn.properties(
        width=WIDTH,
        height=180,
        title=alt.TitleParams("bytes selected over time; with a quota, what of it is done", fontSize=12, offset=4),
    )


def _name(answer: Answer, number: int) -> str:
    one = answer.outcomes[number].variant
    return one.label if len(answer.numbers) == 1 else f"{one.scheme.name}: {one.label}"


def shown_over_time(answer: Answer) -> Sequence[int]:
    """The numbers of some outcomes, the recommended among them."""
    count = len(answer.outcomes)
    best = [number for number, one in enumerate(answer.outcomes) if one is answer.recommended(one.variant.number)][:MOST]
    selecting = [number for number in range(count) if answer.outcomes[number].selected_bytes > 0 and number not in best]
    room = min(MOST - len(best), len(selecting))
    spread = [selecting[round(place * (len(selecting) - 1) / max(1, room - 1))] for place in range(room)]
    return sorted({*best, *spread})
