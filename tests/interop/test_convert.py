"""`damopipe convert` as a person runs it: both directions, files and lines, and one line for whatever is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.cli import call
from damopipe.interop.specs import options
from tests.interop.specs import context
from tests.program import SECONDS, Finished, Program, environment

ROOT = Path(__file__).parents[2]
LINE = "damo start --ops paddr --damos_action pageout --damos_sz_region 4K max --damos_access_rate 0% 0% --damos_age 5s max"
PIPELINE = """
    version = 1
    name = "cold"
    [[target]]
    command = ["sleep", "1"]
    [monitoring]
    sample = "5ms"
    [[scheme]]
    name = "page-out"
    action = "pageout"
    pattern = { access = ["0%", "0%"], age = ["30s", "max"] }
    [record]
    duration = "1s"
"""


def test_a_schemes_file_there_and_validated_and_back(damopipe: Program) -> None:
    (damopipe.folder / "my_scheme").write_text("#min-size max-size …\n4K max 0 0 60s max pageout\n")
    done = damopipe("convert", "my_scheme", "-o", "mine.toml")
    assert done.code == 0 and done.out == "" and "wrote mine.toml; next: damopipe plan mine.toml" in done.err
    assert "--set process=NAME" in done.err
    assert damopipe("validate", "mine.toml").out == "mine.toml: ok (1 target, 1 scheme)\n"
    tree = json.loads(damopipe("convert", "mine.toml").out)
    scheme = tree["kdamonds"][0]["contexts"][0]["schemes"][0]
    assert scheme["access_pattern"]["age"] == {"min": "60000000", "max": "max"}


def test_a_line_and_standard_input(damopipe: Program) -> None:
    of_option = damopipe("convert", "--damo", LINE)
    assert of_option.code == 0 and of_option.out.startswith(f"# {LINE}\nversion = 1\n")
    of_input = piped(damopipe, "convert", "-", text=f"#!/bin/sh\n\nsudo {LINE}\n")
    assert of_input.code == 0 and of_input.out.split("version")[1] == of_option.out.split("version")[1]
    assert piped(damopipe, "convert", "-", text=PIPELINE.replace("\n    ", "\n")).out.startswith('{\n    "kdamonds"')


def test_a_pipeline_says_what_damo_has_nothing_for(damopipe: Program) -> None:
    done = damopipe("convert", damopipe.pipeline(PIPELINE), "-o", "spec.json")
    assert done.code == 0 and "next: damo start spec.json" in done.err
    assert "nothing for record" in done.err and "targets[0].pid: damo names processes by pid, the pipeline by command" in done.err
    context = json.loads((damopipe.folder / "spec.json").read_text())["kdamonds"][0]["contexts"][0]
    assert context["targets"][0]["pid"] is None and context["schemes"][0]["name"] == "page-out"


def test_parameters_take_their_values(damopipe: Program) -> None:
    text = PIPELINE.replace('command = ["sleep", "1"]', 'pid = "${pid}"')
    done = damopipe("convert", damopipe.pipeline(text), "--set", "pid=77")
    assert json.loads(done.out)["kdamonds"][0]["contexts"][0]["targets"][0]["pid"] == 77


def test_a_spec_that_makes_no_sense_is_written_and_refused(damopipe: Program) -> None:
    spec = context(schemes=[{"action": "lru_prio"}])
    (damopipe.folder / "odd.json").write_text(json.dumps(spec))
    done = damopipe("convert", "odd.json", "-o", "odd.toml")
    assert done.code == 2 and 'action = "lru_prio"' in (damopipe.folder / "odd.toml").read_text()
    (line,) = done.lines
    assert "odd.toml:" in line and "'lru_prio' does nothing with operations vaddr" in line


def test_nothing_is_overwritten(damopipe: Program) -> None:
    (damopipe.folder / "mine.toml").write_text("kept")
    done = damopipe("convert", "--damo", LINE, "-o", "mine.toml")
    one_line(done, "mine.toml", "not overwritten")
    assert (damopipe.folder / "mine.toml").read_text() == "kept"


WRONG: dict[str, tuple[str | bytes, list[str]]] = {
    "8 fields": ("4K max 0 0 60s max pageout\n4K max 0 0 60s max pageout 1G\n", ["in:2", "has 8 fields", "7, 9, 12, 17 or 18"]),
    "line action": ("4K max 0 0 60s max pageot\n", ["in:1", "did you mean 'pageout'"]),
    "line number": ("4K max 0 0 60q max pageout\n", ["in:1", "'60q'"]),
    "line order": ("4K 2K 0 0 60s max pageout\n", ["in:1", "larger than the maximum"]),
    "json action": (
        json.dumps(context(schemes=[{"action": "pageot"}])),
        ["in: kdamonds[0].contexts[0].schemes[0].action", "'pageout'"],
    ),
    "json number": (
        json.dumps(context(schemes=[{"access_pattern": {"age": {"min": "5 q", "max": "max"}}}])),
        ["schemes[0].access_pattern.age", "'5 q'"],
    ),
    "json operations": ('{"kdamonds": [{"contexts": [{"targets": []}]}]}', ["kdamonds[0].contexts[0]", "has no 'ops'"]),
    "json cut": ('{"kdamonds": [\n{"contexts":', ["in:2", "is not JSON"]),
    "json other": ('{"a": 1}', ["no spec that damopipe knows"]),
    "empty list": ("[]", ["no spec that damopipe knows"]),
    "no contexts": ('{"kdamonds": []}', ["nothing is watched"]),
    "record": ('[{"snapshots": []}]', ["damopipe import"]),
    "toml cut": ('version = 1\nname = "a\n', ["in:2", "not TOML"]),
    "prose": ("Dear kernel, please reclaim.\n", ["no spec that damopipe knows"]),
    "empty": ("", ["is empty"]),
    "comments": ("# nothing\n", ["has no scheme"]),
    "binary": (b"\x78\x9c\0\0", ["is binary"]),
    "latin": ("4K max 0 0 60s max pageout # é\n".encode("latin-1"), ["in:1", "UTF-8"]),
    "module": ('version = 1\nname = "a"\n[module]\nname = "reclaim"\n', ["damo reclaim"]),
    "report": ("damo report wss\n", ["docs/from-damo.md"]),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """The command in this process, in a folder of its own: a new one for each of many takes long."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Finished:
        code = call(["convert", *arguments])
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return command


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_line(here: Callable[..., Finished], text: str | bytes, words: list[str]) -> None:
    Path("in").write_bytes(text if isinstance(text, bytes) else text.encode())
    one_line(here("in"), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.json"], ["none.json", "no such file"]),
        (["."], ["cannot be read"]),
        ([], ["--damo"]),
        (["a", "--damo", LINE], ["--damo"]),
        (["--damo", "damo start --damos_action pageot paddr"], ["--damos_action", "did you mean 'pageout'"]),
        (["--damo", LINE, "-o", "no/such/folder.toml"], ["cannot be written"]),
    ],
)
def test_a_wrong_flag_is_one_line(here: Callable[..., Finished], arguments: list[str], words: list[str]) -> None:
    one_line(here(*arguments), *words)


@pytest.mark.parametrize("file", sorted((ROOT / "pipelines").glob("*.toml")), ids=lambda file: file.stem)
def test_every_ready_pipeline_is_a_spec_that_becomes_the_same_kdamonds(file: Path) -> None:
    from damopipe.interop.specs.damo_text import damo_text
    from damopipe.outputs.surroundings import load_pipeline
    from damopipe.pipeline.plan import make_plan
    from tests.interop.specs import back, read, through

    contexts = make_plan(load_pipeline(file), "damon").contexts
    if not contexts:
        return  # a module of the kernel, which damo's spec has not
    text = damo_text(contexts)
    assert back(through(read(text))) == json.loads(text)


def test_every_option_of_damo_is_documented() -> None:
    page = (ROOT / "docs/convert.md").read_text()
    assert [name for name in options.NAMES if f"`--{name}`" not in page] == []


def piped(program: Program, *arguments: str, text: str) -> Finished:
    done = subprocess.run(
        program.command(*arguments), cwd=program.folder, capture_output=True, text=True, timeout=SECONDS, input=text,
        env=environment(program.folder),
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)


def one_line(done: Finished, *words: str) -> None:
    assert done.code == 2, done.err
    assert len(done.lines) == 1, done.err
    assert done.out == ""
    for word in words:
        assert word in done.lines[0]
