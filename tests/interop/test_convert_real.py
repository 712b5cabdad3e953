"""What damo and kernels really wrote: every such file becomes a pipeline that says the same."""

from __future__ import annotations

import json
import shlex

import pytest

from damopipe.interop.specs.damo_text import damo_text
from damopipe.interop.specs.reading import decoded, draft_of
from tests.interop.specs import damo, read, through
from tests.recordings import SHARED, real

KINDS = ("**/*.kdamonds", "**/sysfs*.json")
FILES = sorted(str(file.relative_to(SHARED)) for kind in KINDS for file in SHARED.glob(kind))


def test_there_are_files_to_try() -> None:
    real("kernel")
    assert len(FILES) > 30


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_a_pipeline_that_says_the_same(name: str) -> None:
    file = real(name)
    draft = draft_of(decoded(file.read_bytes(), name), name, file.parent)
    assert draft.notes == []
    found = through(draft)
    assert found == tuple(draft.contexts)
    assert read(damo_text(found)).contexts == draft.contexts


def test_command_lines_that_were_really_run() -> None:
    real("kernel")
    lines = [json.loads(file.read_text()).get("argv") for file in sorted(SHARED.glob("kernel/*/info.json"))]
    ran = [shlex.join(line) for line in lines if line and line[0] == "damo"]
    assert ran
    for line in ran:
        assert through(damo(line)), line


@pytest.mark.parametrize(
    "name", ["damo/damon.data", "damo/damon.data.json_compressed", "damo/perf.data", "damo/damon.data.binary_v2"]
)
def test_a_recording_is_sent_to_import(name: str) -> None:
    from damopipe.errors import UsageError

    file = real(name)
    with pytest.raises(UsageError, match="damopipe import"):
        draft_of(decoded(file.read_bytes(), name), name, file.parent)
