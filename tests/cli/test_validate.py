"""`damopipe validate`: notes beside an "ok", and which kernel a file needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.cli import call as run

HEAD = 'version = 1\nname = "p"\n{}[[target]]\nphysical = {{}}\n'
YOUNG = '[[scheme]]\naction = "stat"\napply_interval = "1s"\nfilters = [{ type = "young", allow = true }]\n'


def validated(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    file = tmp_path / "pipe.toml"
    file.write_text(text)
    code = run(["validate", str(file)])
    said = capsys.readouterr()
    return code, said.out.replace(str(file), "pipe.toml"), said.err.replace(str(file), "pipe.toml")


def test_what_a_file_needs_is_said_newest_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validated(tmp_path, HEAD.format("") + YOUNG, capsys) == (
        0,
        "pipe.toml: ok (1 target, 1 scheme)\n",
        "damopipe: pipe.toml: note: with DAMON it needs Linux 6.14: a filter that lets through "
        "(scheme[0].filters[0].allow, 6.14), the filter type 'young' (scheme[0].filters[0].type, 6.10), "
        "an apply interval (scheme[0].apply_interval, 6.7)\n",
    )


def test_modules_have_their_release_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = validated(tmp_path, 'version = 1\nname = "p"\n[module]\nname = "stat"\n', capsys)
    assert err == "damopipe: pipe.toml: note: with DAMON it needs Linux 6.17: the module DAMON_STAT (module.name, 6.17)\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD.format(""),
        HEAD.format('backend = "procfs"\n').replace("physical = {}", "pid = 1") + '[record]\nregions = "1s"\n',
        HEAD.format("") + '[matrix]\nrepeats = 3\n[[scheme]]\naction = "lru_prio"\n',  # of what is not run yet there is no plan
    ],
)
def test_what_every_damon_has_and_other_backends_are_not_worth_a_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = validated(tmp_path, text, capsys)
    assert (code, err) == (0, "")


def test_advice_is_a_note_and_the_file_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opposed = '[[scheme]]\naction = "lru_prio"\n[[scheme]]\naction = "lru_deprio"\n'
    code, out, err = validated(tmp_path, HEAD.format("") + opposed, capsys)
    assert (code, out) == (0, "pipe.toml: ok (1 target, 2 schemes)\n")
    assert err.splitlines()[0] == (
        "damopipe: pipe.toml:7: scheme[1].pattern: note: lru_deprio undoes what 'lru_prio-0' does (lru_prio): "
        "some regions are in both patterns; make their access rates or ages apart"
    )
