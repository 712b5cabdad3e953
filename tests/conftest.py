"""Golden files, and rows in – view – rows out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.kernel import fs
from tests.program import Program
from tests.rows import Sql

GOLDEN = Path(__file__).parent / "golden"

# Tests outside of a virtual machine of ours never see the machine's own DAMON: programs that they start look for /sys in
# an empty folder, and the writer of pseudo-files refuses everything that is not in a folder of tests, or of /proc/PID.
IN_VM = os.environ.get("DAMOPIPE_VM") == "1" and Path("/run/damopipe-vm").exists()
if not IN_VM:
    os.environ["DAMOPIPE_SYS"] = str(Path(__file__).parent / "no-sys")
    os.environ["DAMOPIPE_RUN"] = str(Path(tempfile.gettempdir()) / f"damopipe-tests-{os.getpid()}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write golden files anew instead of comparing")
    parser.addoption("--vm", action="store_true", help="run the tests of tests/vm too, in virtual machines (fetches them once)")


@pytest.fixture(autouse=True)
def _no_kernel_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes below /sys, and of /proc only what procfs needs."""
    if IN_VM:
        return
    write = fs.write

    def guarded(path: str, value: str) -> None:
        real = os.path.realpath(path)
        assert not real.startswith("/sys/"), f"a test tried to write {path}"
        assert not real.startswith("/proc/") or real.endswith("/clear_refs"), f"a test tried to write {path}"
        write(path, value)

    monkeypatch.setattr(fs, "write", guarded)


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
