"""Makes docs/gallery.md, its pictures and those of docs/howto.md from recordings of its own: `python docs/gallery.py`.

The gallery is of pipelines/quickstart.toml, the answers are of docs/recordings/. Schemes need a kernel with DAMON: their answer's
picture is made from a store that somebody recorded, as docs/recordings/page-out.toml says: `python docs/gallery.py --schemes STORE`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from damopipe.charts import CHARTS
from damopipe.outputs.chart import make_chart
from damopipe.outputs.whatif import answer_of, write
from damopipe.pipeline.variants import default_variants
from damopipe.store import Store
from damopipe.whatif.outcome import OBJECTIVE

DOCS = Path(__file__).parent
PIPELINE = DOCS.parent / "pipelines" / "quickstart.toml"
ANSWERS = {
    "three-parts": {"working-set": "wss_over_time", "cold": "cold_tail", "mapping": "heatmap", "good": "health"},
    "reserved": {"dark": "health"},
}
"""Of each recording: the pictures of docs/howto.md, and the charts that they are."""
ASKED = "three-parts"
"""The recording that what-if is asked of."""
REHEARSED = {"schemes": "reclaim", "quota": "tiering"}
"""Charts of what nobody did to the recording, and the pipelines that do it on the model."""
HEAD = """# Gallery

Every chart of one recording: `damopipe run pipelines/quickstart.toml --backend procfs`, then `damopipe chart NAME -o NAME.svg`
(`python docs/gallery.py` makes this page). Without `-o` they are drawn in the terminal.
"""


def recorded(pipeline: Path, folder: Path, backend: str = "procfs") -> Store:
    """A store with one run of a pipeline, whose programs are the system's."""
    store = folder / f"{pipeline.stem}.duckdb"
    command = [sys.executable, "-m", "damopipe", "run", str(pipeline), "--backend", backend, "--store", str(store)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DAMOPIPE_")}
    environment |= {"PYTHONPATH": str(DOCS.parent), "PATH": "/usr/bin:/bin"}
    subprocess.run([*command, "--out", str(folder)], cwd=DOCS.parent, check=True, env=environment)
    return Store(store)


def gallery(folder: Path) -> None:
    """The page of every chart, and its pictures."""
    parts, store = [HEAD], recorded(PIPELINE, folder)
    for name in CHARTS:
        file = DOCS / "img" / f"gallery-{name}.svg"
        shown = f"![{name}](img/{file.name})"
        if name in REHEARSED:
            make_chart(name, {}, 1, recorded(PIPELINE.with_stem(REHEARSED[name]), folder, "simulate"), file)
            shown = f"Of a rehearsal, `damopipe run pipelines/{REHEARSED[name]}.toml --backend simulate`:\n\n{shown}"
        else:
            make_chart(name, {}, 1, store, file)
        parts.append(f"## {name}\n\n{import_module(f'damopipe.charts.{name}').SUMMARY}\n\n{shown}\n")
    (DOCS / "gallery.md").write_text("\n".join(parts))


def answers(folder: Path) -> None:
    """The pictures of docs/howto.md, but for that of schemes."""
    for recording, pictures in ANSWERS.items():
        store = recorded(DOCS / "recordings" / f"{recording}.toml", folder)
        for picture, chart in pictures.items():
            make_chart(chart, {}, 1, store, DOCS / "img" / f"howto-{picture}.svg")
        if recording == ASKED:
            write(answer_of(store, 1, default_variants(), OBJECTIVE), store, DOCS / "img" / "howto-age.svg")


def main() -> None:
    """Writes the page and the pictures; with --schemes STORE the one picture of its first run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--schemes", type=Path, metavar="STORE")
    parser.add_argument("--answers", action="store_true", help="those of docs/howto.md alone")
    given = parser.parse_args()
    if given.schemes:
        make_chart("schemes", {}, 1, Store(given.schemes), DOCS / "img" / "howto-schemes.svg")
        return
    with tempfile.TemporaryDirectory() as folder:
        answers(Path(folder))
        if not given.answers:
            gallery(Path(folder))


if __name__ == "__main__":
    main()
