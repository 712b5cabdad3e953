"""A run's summary as OpenMetrics: a golden text, values that the views have, labels that cannot break out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damopipe.interop.exporting.openmetrics import FAMILIES, escaped, write
from damopipe.records import TargetRow
from tests.rows import Sql

from .exported import AWKWARD, S, whole, written

_SAMPLE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (-?[\d.e+-]+)$')


def text(sql: Sql, *run_ids: int) -> str:
    out = io.BytesIO()
    write(sql.store, run_ids or [sql.run_id], out)
    return out.getvalue().decode()


def samples(found: str) -> dict[tuple[str, str], float]:
    """Every sample by its name and its labels; each line is one, or one of a comment."""
    made = {}
    for line in found.splitlines():
        if not line.startswith("# "):
            match = _SAMPLE.match(line)
            assert match, line
            assert (match[1], match[2]) not in made, "a sample stands once"
            made[match[1], match[2]] = float(match[3])
    return made


def test_the_summary(sql: Sql, golden: Callable[[str, str], None]) -> None:
    whole(sql).store.add_check_result(sql.run_id, 0, "small enough", "warn", "fail", 2, "m")
    found = re.sub(r'uid="[^"]*"', 'uid="…"', text(sql))
    golden("export/run.prom", found)
    assert len(samples(found)) == found.count("\n") - found.count("# ")


def test_values_are_those_of_the_views(sql: Sql) -> None:
    for second in range(1, 41):
        sql.snapshot(second * S, lost_events=1).region(0, 4096 * second, 1).region(2**40, 2**40 + 4096, 0)
    found = samples(text(sql))
    ours = 'pipeline="p",run="1",target="pid 9"'
    for percentile, stat in ((50, "p50"), (95, "p95"), (100, "max")):
        (row,) = sql("SELECT accessed_bytes FROM wss_percentiles(1) WHERE percentile = $p", p=percentile)
        assert found["damopipe_working_set_bytes", f'{ours},stat="{stat}"'] == row[0]
    assert found["damopipe_lost_events", 'pipeline="p",run="1"'] == 40
    assert ("damopipe_run_duration_seconds", 'pipeline="p",run="1"') not in found, "it has not ended"


@pytest.mark.parametrize("name", AWKWARD)
def test_labels_cannot_break_out(sql: Sql, name: str) -> None:
    sql.run(pipeline=name, targets=(TargetRow(0, 0, "pid", name), TargetRow(1, 0, "pid", name)))
    for target in (0, 1):
        sql.snapshot(S, target_id=target).region(0, 4096, 1)
    found = samples(text(sql))
    told = [labels for metric, labels in found if metric == "damopipe_snapshots"]
    assert [escaped(f"{name} #{number}") in labels for number, labels in enumerate(told)] == [True, True]


def test_several_runs_are_under_one_name(sql: Sql, tmp_path: Path) -> None:
    whole(sql.snapshot(S).region(0, 4096, 1))
    found = text(sql, 1, 2)
    types = re.findall(r"^# TYPE (\S+) gauge$", found, re.MULTILINE)
    assert types == [name for name in FAMILIES if name in types]
    assert {labels.split(",")[1] for _, labels in samples(found)} == {'run="1"', 'run="2"'}
    assert found.endswith("# EOF\n")
    written(sql, "openmetrics", tmp_path / "r.prom")
    assert (tmp_path / "r.prom").read_text() == text(sql)


def test_names_end_with_their_units() -> None:
    for name, family in FAMILIES.items():
        assert name.startswith("damopipe_") and name.endswith(family.unit) and family.about.endswith(".")


def test_prometheus_reads_it(sql: Sql) -> None:
    parser: Any = pytest.importorskip("prometheus_client.openmetrics.parser", reason="prometheus_client is not installed")
    old: Any = pytest.importorskip("prometheus_client.parser")
    found = text(whole(sql))
    for read in (parser.text_string_to_metric_families, old.text_string_to_metric_families):
        assert sum(len(family.samples) for family in read(found)) == len(samples(found))
