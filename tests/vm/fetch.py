"""The cache of kernels and QEMU: made when missing, made anew when stale or half-made, safe when two start at once.

A folder in the cache is whole or not there: it is unpacked aside and renamed under a lock. `fetch.sh` does the fetching.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Unavailable
from .kernels import Kernel

SCRIPT = Path(__file__).with_name("fetch.sh")
TOOLS = ("apt-get", "apt-cache", "dpkg-deb")
QEMU_SUITE = "trixie"


def cache() -> Path:
    """$DAMOPIPE_VM_CACHE, else damopipe/vm in the user's cache folder."""
    if given := os.environ.get("DAMOPIPE_VM_CACHE"):
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "damopipe" / "vm"


def image(kernel: Kernel) -> Path:
    """The kernel's bootable image, fetched if need be. Raises Unavailable."""
    folder = cache() / kernel.folder
    with _locked():
        if not version(folder / "vmlinuz").startswith(f"{kernel.key}."):
            _make(folder, "kernel", kernel.suite, kernel.package, kernel.key)
    return folder / "vmlinuz"


def qemu() -> Path:
    """The folder with `run` (qemu-system-x86_64) and `virtiofsd`, fetched if need be. Raises Unavailable."""
    folder = cache() / "qemu"
    with _locked():
        if not all(os.access(folder / name, os.X_OK) for name in ("run", "virtiofsd")):
            _make(folder, "qemu", QEMU_SUITE)
    return folder


def version(path: Path) -> str:
    """The version that a kernel image states ("6.12.95+deb12-cloud-amd64"), or "" if it is none.

    Documentation/arch/x86/boot.rst: "HdrS" at 0x202, and at 0x20e where its version string starts, less 0x200.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except OSError:
        return ""
    if head[0x202:0x206] != b"HdrS":
        return ""
    start = int.from_bytes(head[0x20E:0x210], "little") + 0x200
    return head[start : start + 100].split(b" ")[0].decode("ascii", "replace")


@contextmanager
def _locked() -> Iterator[None]:
    try:
        cache().mkdir(parents=True, exist_ok=True)
        lock = (cache() / ".lock").open("w")
    except OSError as error:
        raise Unavailable(f"no cache for kernels at {cache()}: {error.strerror}; set DAMOPIPE_VM_CACHE") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, *arguments: str) -> None:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise Unavailable(f"{folder.name} is not in {cache()} and cannot be fetched: no {', '.join(missing)}; use a Debian")
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=cache()) as aside:
        new = Path(aside) / folder.name
        new.mkdir()
        done = subprocess.run([SCRIPT, new, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise Unavailable(f"{folder.name} could not be fetched by apt: {lines[-1]}; needs a Debian archive within reach")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
