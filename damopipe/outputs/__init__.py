"""The stages after recording: one module a kind, made in order; one that fails does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from damopipe.errors import DamopipeError, Interrupted

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan, PlannedCheck, PlannedOutput
    from damopipe.store import Store

Say = Callable[[str], None]


@dataclass(frozen=True)
class OutputResult:
    """What became of one output or check; `error` None is well."""

    kind: str
    name: str
    file: str | None
    error: str | None
    summary: str
    took_ms: int

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return vars(self)


def make_outputs(plan: Plan, run_id: int, store: Store, out_dir: Path, say: Say) -> list[OutputResult]:
    """Makes every output, then every check of a plan about one run; records in the store what became of each."""
    made = [_output(number, output, run_id, store, out_dir, say) for number, output in enumerate(plan.outputs)]
    return made + [_check(number, check, run_id, store, say) for number, check in enumerate(plan.checks)]


def _output(number: int, output: PlannedOutput, run_id: int, store: Store, out_dir: Path, say: Say) -> OutputResult:
    began = time.monotonic()
    path = out_dir / str(output.file)
    error, summary = None, ""
    try:
        summary = _make(output, run_id, store, path, say)
    except Interrupted:
        raise
    except DamopipeError as failure:
        error = str(failure)
    took_ms = round((time.monotonic() - began) * 1000)
    file = None if error else str(path)
    store.add_output(run_id, number, output.kind, output.name, file, error, took_ms)
    return OutputResult(output.kind, " ".join(output.name.split()), file, error, summary, took_ms)


def _make(output: PlannedOutput, run_id: int, store: Store, path: Path, say: Say) -> str:
    if output.kind == "chart":
        from damopipe.outputs.chart import make_chart

        return make_chart(output.name, output.options, run_id, store, path)
    if output.kind == "sql":
        form = path.suffix.removeprefix(".")
        return f"({store.write_query(output.name, path, form, run=run_id):,} rows)"
    if output.kind == "vega_lite":
        from damopipe.outputs.own import make_own

        return make_own(output.name, dict(cast("dict[str, Any]", output.options["spec"])), run_id, store, path)
    if output.kind == "report":
        from damopipe.outputs.report import make_report

        return make_report(run_id, store, path)
    if output.kind == "whatif":
        from damopipe.outputs.whatif import make_whatif

        return make_whatif(output, run_id, store, path)
    from damopipe.outputs.export import make_export

    return make_export(output.name, run_id, store, path, say)


def _check(number: int, check: PlannedCheck, run_id: int, store: Store, say: Say) -> OutputResult:
    from damopipe.outputs.check import judge

    began = time.monotonic()
    verdict = judge(check, run_id, store)
    took_ms = round((time.monotonic() - began) * 1000)
    store.add_check_result(run_id, number, check.name, check.severity, verdict.result, verdict.violations, verdict.message)
    failed = verdict.message if verdict.result != "pass" and check.severity == "fail" else None
    if verdict.result != "pass" and failed is None:
        say(f"check {check.name!r}: {verdict.message}")
    return OutputResult("check", check.name, None, failed, verdict.result, took_ms)
