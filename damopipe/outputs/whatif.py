"""What-if as a stage and as a command: a run replayed against variants of schemes, and the answer as a file.

The ending says what is written: toml the recommended scheme as a pipeline; csv, json, md the table; png, svg,
pdf, html the chart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.errors import UsageError
from damopipe.outputs.chart import heading_of
from damopipe.outputs.whatif_toml import ready_schemes, recommended_pipeline, scheme_lines
from damopipe.owner import written_whole
from damopipe.pipeline.planned import Plan
from damopipe.pipeline.semantics_output import ENDINGS
from damopipe.pipeline.semantics_output import OBJECTIVE as OBJECTIVE_TEXT
from damopipe.whatif.outcome import OBJECTIVE, Answer, as_row
from damopipe.whatif.replay import replay

if TYPE_CHECKING:
    from damopipe.pipeline.planned import PlannedOutput
    from damopipe.pipeline.variants import Variant
    from damopipe.store import Store

_DRAWN = ("png", "svg", "pdf", "html")


def make_whatif(output: PlannedOutput, run_id: int, store: Store, path: Path) -> str:
    """The stage: the schemes of a file that was read when the run was planned."""
    from damopipe.pipeline.variants import variants_of_text

    objective = output.options.get("objective")
    percent = OBJECTIVE if objective is None else objective_of(str(objective))
    variants = variants_of_text(output.name, str(output.options["text"]))
    answer = answer_of(store, run_id, variants, percent)
    write(answer, store, path)
    return f"({_told(answer)})"


def _told(answer: Answer) -> str:
    best = answer.recommended()
    if best is None:
        return f"nothing keeps {answer.objective_percent:g}%/min"
    return f"{best.variant.label}: {units.approx_bytes(best.shown_saving)} at {best.effective_rate:.3g}%/min"


def answer_of(
    store: Store,
    run_id: int,
    variants: Sequence[Variant],
    objective_percent: float,
    tell: Callable[[float], None] = lambda share: None,
) -> Answer:
    """Replays a run of a store. StageError, UsageError."""
    with store.asking() as query:
        return replay(query, run_id, variants, objective_percent, tell)


def objective_of(text: str) -> float:
    """Percent a minute of "0.2%", "0.2 %/min". UsageError."""
    found = OBJECTIVE_TEXT.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no objective; write percent of the working set a minute, like '0.2%'")
    return float(found[1])


def check_ending(path: Path) -> None:
    """UsageError for an ending that nobody writes."""
    if path.suffix.removeprefix(".") not in ENDINGS["whatif"]:
        what = f"as {path.suffix!r}" if path.suffix else "without an ending"
        raise UsageError(f"{path}: a what-if cannot be written {what}; use .{', .'.join(ENDINGS['whatif'])}")


def write(answer: Answer, store: Store, path: Path) -> None:
    """The answer as a file. UsageError for an ending that nobody writes, StageError where there is nothing to write."""
    check_ending(path)
    form = path.suffix.removeprefix(".")
    if form in _DRAWN:
        from damopipe.charts.whatif import draw_answer
        from damopipe.report.render import render

        render(draw_answer(answer, heading_of(answer.run_id, store), "light").to_dict(), path)
        return
    text = _TEXTS[form](answer, store)
    with written_whole(path) as fresh:
        fresh.write_text(text, "utf-8", newline="\n")


def as_json(answer: Answer) -> dict[str, Any]:
    """Everything, for `--json`."""
    return {
        "run_id": answer.run_id,
        "seconds": round(answer.seconds, 6),
        "working_set_bytes": round(answer.working_set_bytes),
        "watched_bytes": round(answer.watched_bytes),
        "rss_bytes": None if answer.rss_bytes is None else round(answer.rss_bytes),
        "objective_percent": answer.objective_percent,
        "variants": [as_row(answer, one) for one in answer.outcomes],
        "recommended": [
            {**as_row(answer, one), "definition": dict(one.variant.table), "toml": "\n".join(scheme_lines(one))}
            for number in answer.numbers
            if (one := answer.recommended(number)) is not None
        ],
        "churn": [
            {
                "one": f"{pair.one.scheme.name}: {pair.one.label}",
                "other": f"{pair.other.scheme.name}: {pair.other.label}",
                "one_then_other_bytes": round(pair.there_bytes),
                "other_then_one_bytes": round(pair.back_bytes),
            }
            for pair in answer.churn
        ],
        "over_time": [
            {
                "scheme": answer.outcomes[number].variant.scheme.name,
                "variant": answer.outcomes[number].variant.label,
                "seconds": [round(at, 3) for at in series.seconds.tolist()],
                "selected_bytes": [round(size) for size in series.bytes.tolist()],
            }
            for number, series in answer.over_time.items()
        ],
        "assumptions": list(answer.assumptions),
    }


def _json(answer: Answer, store: Store) -> str:
    return json.dumps(as_json(answer), indent=1) + "\n"


def _csv(answer: Answer, store: Store) -> str:
    import csv
    import io

    rows = [as_row(answer, one) for one in answer.outcomes]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _markdown(answer: Answer, store: Store) -> str:
    from damopipe.report.whatif import markdown

    return markdown(answer, heading_of(answer.run_id, store), ready_schemes(answer))


def _toml(answer: Answer, store: Store) -> str:
    (pipeline, plan), *_ = store.query("SELECT pipeline, plan FROM run WHERE run_id = $run", {"run": answer.run_id}).rows
    return recommended_pipeline(answer, pipeline, Plan.model_validate_json(plan) if plan else None)


_TEXTS: dict[str, Callable[[Answer, Store], str]] = {"json": _json, "csv": _csv, "md": _markdown, "toml": _toml}
