"""The cache: what counts as whole, and that it is made anew otherwise. What apt does is done once by `pytest --vm`."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from . import fetch
from .errors import Unavailable
from .kernels import KERNELS

LTS = KERNELS[0]
# Stands for fetch.sh: a kernel image of version KEY.1, or QEMU's two programs, and a note that it ran.
FETCHES = r"""#!/bin/sh
echo "$2" >> "$(dirname "$1")/../runs"
if [ "$2" = qemu ]; then printf '#!/bin/sh\n' | tee "$1/run" > "$1/virtiofsd"; chmod +x "$1/run" "$1/virtiofsd"; exit; fi
{ head -c 514 /dev/zero; printf HdrS; head -c 8 /dev/zero; printf '\020\000'; printf '%s.1 (who)\0' "$5"; } > "$1/vmlinuz"
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "fetch.sh"
    script.write_text(FETCHES)
    script.chmod(0o755)
    monkeypatch.setattr(fetch, "SCRIPT", script)
    monkeypatch.setattr(fetch, "TOOLS", ("sh",))
    monkeypatch.setenv("DAMOPIPE_VM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def runs(cache: Path) -> list[str]:
    return (cache / "runs").read_text().split()


def test_a_whole_cache_is_used_as_it_is(cache: Path) -> None:
    assert fetch.version(fetch.image(LTS)) == f"{LTS.key}.1"
    assert fetch.image(LTS).is_file() and fetch.qemu() == fetch.qemu()
    assert runs(cache) == ["kernel", "qemu"]


def test_a_stale_or_half_made_folder_is_made_anew(cache: Path) -> None:
    image = fetch.image(LTS)
    image.write_bytes(image.read_bytes().replace(LTS.key.encode(), b"5.10"))
    assert fetch.version(image) == "5.10.1"
    assert fetch.version(fetch.image(LTS)) == f"{LTS.key}.1"
    (fetch.qemu() / "virtiofsd").unlink()
    assert (fetch.qemu() / "virtiofsd").exists()
    image.write_bytes(b"")
    fetch.image(LTS)
    assert runs(cache) == ["kernel", "kernel", "qemu", "qemu", "kernel"]


def test_two_at_once_fetch_once(cache: Path) -> None:
    threads = [threading.Thread(target=fetch.image, args=(LTS,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(cache) == ["kernel"]


def test_what_cannot_be_fetched_is_one_line_and_leaves_nothing(cache: Path) -> None:
    fetch.SCRIPT.write_text("#!/bin/sh\necho half > $1/run; echo more >&2; echo 'E: no archive' >&2; exit 100\n")
    with pytest.raises(Unavailable, match=r"^qemu could not be fetched by apt: E: no archive; .*$"):
        fetch.qemu()
    assert {path.name for path in cache.iterdir()} == {".lock"}


def test_a_cache_that_cannot_be_made_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAMOPIPE_VM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(Unavailable, match="DAMOPIPE_VM_CACHE"):
        fetch.qemu()


def test_a_machine_without_apt_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TOOLS", ("no-such-client",))
    with pytest.raises(Unavailable, match="no no-such-client; use a Debian"):
        fetch.image(LTS)
