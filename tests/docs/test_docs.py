"""The docs are complete, generated where they can be, and point at things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from damopipe import errors
from damopipe.analyses import analyses
from damopipe.charts import CHARTS
from damopipe.cli import build
from damopipe.kernel.feature_table import FEATURES
from damopipe.store import Store
from tests.vm.kernels import KERNELS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / link).exists(), link


ABOUT_FILES = "How do I hand a run to somebody?"
"""Its answer is a file, not a picture."""


def test_every_question_has_a_picture_of_its_own() -> None:
    questions = re.split(r"^## ", text("howto.md"), flags=re.MULTILINE)[1:]
    asked = [question for question in questions if not question.startswith(ABOUT_FILES)]
    pictures = [re.findall(r"!\[[^]]+\]\((img/[\w-]+\.(?:svg|png))\)", question) for question in asked]
    for question, found in zip(asked, pictures, strict=True):
        assert len(found) == 1, question.splitlines()[0]
        command = re.search(r"damopipe (chart|whatif)", question)
        assert command and command.start() < question.index(found[0])
        assert (ROOT / "docs" / found[0]).stat().st_size < 300_000
    assert len({one for found in pictures for one in found}) == len(asked) >= 6


def test_every_command_is_documented() -> None:
    for command in typer.main.get_command(build()).commands:  # type: ignore[attr-defined]
        assert f"## `damopipe {command}`" in text("commands.md")


def test_every_table_and_analysis_is_documented() -> None:
    page = text("tables.md")
    with Store.memory().read() as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
    for name in [*tables, *(analysis.name for analysis in analyses())]:
        if not name.startswith("_"):
            assert f"`{name}" in page


def test_every_exit_code_is_documented() -> None:
    codes = {error.exit_code for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "exit_code")}
    for code in codes:
        assert f"| {code} |" in text("errors.md")


def test_every_chart_is_named_in_the_docs() -> None:
    pages = "".join(page.read_text() for page in PAGES)
    for chart in CHARTS:
        assert chart in pages


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"]:
        assert f"| {re.split('[<>=]', requirement)[0]} |" in text("dependencies.md")


def test_every_feature_and_every_tested_kernel_is_documented() -> None:
    page = text("kernels.md")
    for name in FEATURES:
        assert f"| `{name}` |" in page
    for kernel in KERNELS:
        assert f"| {kernel.key} |" in page
