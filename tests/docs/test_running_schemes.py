"""The page on running schemes: its pipelines are right, and what it says of exit codes is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from damopipe.errors import UsageError
from damopipe.backend.staying import start
from damopipe.kernel.machine import Machine
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan

PAGE = (Path(__file__).parents[2] / "docs/running-schemes.md").read_text()
PIPELINES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", PIPELINES, ids=range(len(PIPELINES)))
def test_its_pipelines_need_somebody_to_stay(text: str, tmp_path: Path) -> None:
    file = tmp_path / "page.toml"
    file.write_text(text)
    plan = make_plan(load_pipeline(file), "damon")
    with pytest.raises(UsageError, match="needs damopipe start --follow"):
        start(plan, Machine(sys=tmp_path, proc=tmp_path, run=tmp_path), print)
