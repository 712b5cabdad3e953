"""Golden files, and rows in – view – rows out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Program
from tests.rows import Sql

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write golden files anew instead of comparing")
    parser.addoption("--vm", action="store_true", help="run the tests of tests/vm too, in virtual machines (fetches them once)")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with tests/golden/NAME; `--golden-update` writes it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--golden-update"):
            assert not os.environ.get("CI"), "golden files are not written in CI"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
        assert path.exists(), f"{path} is not there; pytest --golden-update writes it"
        assert text == path.read_text("utf-8")

    return compare


@pytest.fixture
def sql() -> Sql:
    return Sql()


@pytest.fixture
def damopipe(tmp_path: Path) -> Program:
    """The program as a person runs it, in a folder of its own."""
    return Program(tmp_path)
