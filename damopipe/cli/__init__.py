"""The command line: one module a command, each with one function `command`.

Only `main` catches errors. Modules here import nothing heavy at their top: `--help` must stay quick, and
tests/cli/test_import_hygiene.py proves it.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from damopipe import __version__
from damopipe.cli import output
from damopipe.errors import DamopipeError, UsageError

COMMANDS: dict[str, str] = {
    "run": "run",
    "validate": "validate",
    "plan": "plan",
    "doctor": "doctor",
    "init": "init",
    "schema": "schema",
    "chart": "chart",
    "report": "report",
    "show": "show",
    "whatif": "whatif",
    "sql": "sql",
    "quality": "quality",
    "import": "import_",
    "export": "export",
    "convert": "convert",
    "runs": "runs",
    "start": "start",
    "tune": "tune",
    "status": "status",
    "stop": "stop",
    "recover": "recover",
    "workload": "workload",
}
"""Each command and its module, in the order that `--help` shows."""

EPILOG = "Start with: damopipe run pipelines/quickstart.toml"


def build() -> typer.Typer:
    """The application, with every command of `COMMANDS`."""
    app = typer.Typer(
        name="damopipe",
        help=(
            "Watch memory with pipelines: TOML says what to watch and what to make of it; records go to DuckDB "
            "tables, charts come out as SQL over them."
        ),
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, module in COMMANDS.items():
        found = import_module(f"damopipe.cli.{module}")
        if hasattr(found, "app"):
            app.add_typer(found.app, name=name)
        else:
            app.command(name)(found.command)
    return app


def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        output.data(f"damopipe {__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line and exits with its code; the only place that catches errors."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; not called as any command, whose module would take its name here."""
    try:
        result = build()(arguments, standalone_mode=False)
    except DamopipeError as error:
        output.error(error)
        return error.exit_code
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        output.close_stdout()
        return 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        output.error(UsageError(output.usage_line(error)))
        return UsageError.exit_code
    return result if isinstance(result, int) else 0
