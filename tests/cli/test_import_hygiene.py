"""Heavy imports happen in the command that needs them, proved in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("altair", "duckdb", "jinja2", "msgspec", "numpy", "prompt_toolkit", "rich", "vl_convert", "yaml")
QUICKSTART = Path(__file__).parents[2] / "pipelines" / "quickstart.toml"


def loaded(*arguments: str) -> set[str]:
    """Which heavy packages a command line has imported by its end."""
    code = (
        "import sys; from damopipe.cli import call as run; "
        f"code = run({list(arguments)!r}); sys.stdout.flush(); "
        f"print('', *sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["sql", "--help"], ["chart", "--help"], ["report", "--help"], ["quality", "--help"]],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(*arguments) == set()


def test_the_library_itself_costs_nothing() -> None:
    code = f"import sys, damopipe; print(*set(sys.modules) & set({HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_convert_loads_yaml_only_for_yaml(tmp_path: Path) -> None:
    lines = tmp_path / "my_scheme"
    lines.write_text("4K max 0 0 60s max pageout\n")
    assert loaded("convert", str(lines), "-o", str(tmp_path / "mine.toml")) == set()
    assert loaded("convert", str(tmp_path / "mine.toml")) == set()


def test_validate_loads_duckdb_only_for_a_file_with_sql(tmp_path: Path) -> None:
    plain = tmp_path / "plain.toml"
    plain.write_text('version = 1\nname = "a"\n[[target]]\nworkload = "stairs"\n')
    assert "duckdb" not in loaded("validate", str(plain))
    with_sql = tmp_path / "sql.toml"
    with_sql.write_text(plain.read_text() + '[[output]]\nsql = "SELECT 1"\nfile = "a.csv"\n')
    assert "duckdb" in loaded("validate", str(with_sql))
    assert "altair" not in loaded("validate", str(QUICKSTART))
