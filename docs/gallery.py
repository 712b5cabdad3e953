"""Makes docs/gallery.md and its pictures from one recording of pipelines/quickstart.toml: `python docs/gallery.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from damopipe.charts import CHARTS
from damopipe.errors import StageError
from damopipe.outputs.chart import make_chart
from damopipe.store import Store

DOCS = Path(__file__).parent
PIPELINE = DOCS.parent / "pipelines" / "quickstart.toml"
HEAD = """# Gallery

Every chart of one recording: `damopipe run pipelines/quickstart.toml --backend procfs`, then `damopipe chart NAME -o NAME.svg`
(`python docs/gallery.py` makes this page). Without `-o` they are drawn in the terminal.
"""


def recorded(folder: Path) -> Store:
    """A store with one run of the quickstart."""
    command = [sys.executable, "-m", "damopipe", "run", str(PIPELINE), "--backend", "procfs"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DAMOPIPE_")}
    environment["PYTHONPATH"] = str(DOCS.parent)
    subprocess.run(command, cwd=folder, check=True, env=environment)
    return Store(folder / "damopipe.duckdb")


def main() -> None:
    """Writes the page and its pictures."""
    parts = [HEAD]
    with tempfile.TemporaryDirectory() as folder:
        store = recorded(Path(folder))
        for name in CHARTS:
            file = DOCS / "img" / f"gallery-{name}.svg"
            try:
                make_chart(name, {}, 1, store, file)
                shown = f"![{name}](img/{file.name})"
            except StageError as error:
                shown = f"It has nothing to draw of this recording: {error}."
            parts.append(f"## {name}\n\n{import_module(f'damopipe.charts.{name}').SUMMARY}\n\n{shown}\n")
    (DOCS / "gallery.md").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
