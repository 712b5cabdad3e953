"""One virtual machine: virtiofsd twice, QEMU once, and a line to the guest's first process.

Whatever it starts ends with it, also when this process is killed (PR_SET_PDEATHSIG); its folder is removed by a small
shell that waits for the end of this process. `init.sh` is the other end of the line.
"""

from __future__ import annotations

import compileall
import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import fetch
from .errors import Unavailable, VmError
from .kernels import Kernel

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
REMOVE = 'cat > /dev/null; for i in $(seq 100); do rm -rf -- "$1" 2> /dev/null && exit; sleep 0.1; done'
# Arguments: where, then every folder that is bound there. Non-recursive: no /proc, /sys or /dev of this machine.
SERVE = """
set -eu
root=$1; shift
while [ "$1" != -- ]; do mount --bind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"; shift; done
shift; exec "$@"
"""


@dataclass(frozen=True)
class Options:
    """What to boot: sizes in MiB; `numa=2` adds node 1, with memory only (half of it); `args` for the kernel come last."""

    kernel: Kernel
    mem_mb: int = 1024
    cpus: int = 2
    numa: int = 1
    swap_mb: int = 0
    args: str = ""
    limit_s: int = 3600


class Machine:
    """A booted guest. `say` writes a line to its first process; `hear` is called with each line of it, "" at the end."""

    def __init__(self, options: Options, hear: Callable[[str], None]) -> None:
        if os.geteuid() != 0:
            raise Unavailable("a virtual machine needs root here, for a private view of / that it can be given; use sudo")
        self.options = options
        self.has_nursery = False
        """Whether nursery.py runs in it."""
        image, qemu = fetch.image(options.kernel), fetch.qemu()
        self._scratch = Path(tempfile.mkdtemp(prefix="damopipe-vm-"))
        self._remover = subprocess.Popen(["/bin/sh", "-c", REMOVE, "remove", self._scratch], stdin=subprocess.PIPE,
                                         start_new_session=True)  # fmt: skip
        self._children: list[subprocess.Popen[str]] = []
        try:
            self._prepare()
            self._serve_files(qemu / "virtiofsd")
            self._qemu = self._start("qemu", [qemu / "run", *_arguments(options, image, self.own)], talk=True)
        except BaseException:
            self.stop()
            raise
        self._limit = threading.Timer(options.limit_s, self._out_of_time)
        self._limit.daemon = True
        self._limit.start()
        self._listener = threading.Thread(target=self._listen, args=(hear,), daemon=True)
        self._listener.start()

    @property
    def share(self) -> Path:
        """The one folder that both sides write, at the same path."""
        return self._scratch / "share"

    @property
    def own(self) -> Path:
        """Where the harness keeps its own files on the share."""
        return self.share / ".vm"

    @property
    def jobs(self) -> Path:
        """A folder for each command."""
        return self.own / "jobs"

    def say(self, line: str) -> None:
        assert self._qemu.stdin
        try:
            self._qemu.stdin.write(line + "\n")
            self._qemu.stdin.flush()
        except OSError:
            raise VmError(f"the guest is gone\n{self.console()}") from None

    def console(self) -> str:
        """The end of what the guest's kernel and first process printed, and of what QEMU said."""
        text = "".join(_read(self._scratch / name) for name in ("qemu.log", "console.log"))
        return "\n".join(re.sub(r"[^\n\t -~]", "", text).splitlines()[-40:])

    @property
    def alive(self) -> bool:
        return self._qemu.poll() is None

    def stop(self) -> None:
        """Ends the guest and all that was started for it, and removes its folder; a second time does nothing."""
        if self._remover.returncode is not None:
            return
        for child in reversed(self._children):
            child.kill()
            child.wait()
        if hasattr(self, "_listener"):
            self._limit.cancel()
            self._listener.join()
            for pipe in (self._qemu.stdin, self._qemu.stdout):
                _close(pipe)
        self._remover.communicate()

    def _out_of_time(self) -> None:
        with (self._scratch / "console.log").open("a") as file:
            file.write(f"\nended after its limit of {self.options.limit_s} s\n")
        self._qemu.kill()

    def _prepare(self) -> None:
        if not sys.dont_write_bytecode:  # the guest cannot write it, and compiles 20 times slower
            compileall.compile_dir(CHECKOUT / "damopipe", quiet=2)
        self.own.mkdir(parents=True)
        (self._scratch / "root").mkdir()
        (self.own / "init.sh").write_text((HERE / "init.sh").read_text())
        (self.own / "init.sh").chmod(0o755)
        settings = {"share": str(self.share), "keep": "\n".join(map(str, _kept())), "swap": str(self.options.swap_mb)}
        (self.own / "settings").write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in settings.items()))
        if self.options.swap_mb:
            with (self._scratch / "swap.img").open("wb") as file:
                file.truncate(self.options.swap_mb << 20)

    def _serve_files(self, virtiofsd: Path) -> None:
        serve: list[str | Path] = [virtiofsd, "--sandbox=chroot", "--log-level=error"]
        bind = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SERVE, "serve", "root", *_mounts(), "--"]
        self._start("root", [*bind, *serve, "--socket-path=root.sock", "--shared-dir=root", "--cache=always"])
        self._start("share", [*serve, "--socket-path=share.sock", "--shared-dir=share", "--cache=auto"])
        deadline = time.monotonic() + 20
        while not all((self._scratch / name).exists() for name in ("root.sock", "share.sock")):
            if time.monotonic() > deadline or any(child.poll() is not None for child in self._children):
                said = "".join(_read(self._scratch / name) for name in ("root.log", "share.log"))
                raise VmError(f"the guest's files could not be served\n{said}")
            time.sleep(0.02)

    def _start(self, name: str, command: Sequence[str | Path], talk: bool = False) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE if talk else subprocess.DEVNULL
        with (self._scratch / f"{name}.log").open("w") as log:
            child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], cwd=self._scratch, start_new_session=True, text=True,
                stdin=pipe, stdout=pipe if talk else log, stderr=log, errors="replace",
            )  # fmt: skip
        self._children.append(child)
        return child

    def _listen(self, hear: Callable[[str], None]) -> None:
        assert self._qemu.stdout
        for line in self._qemu.stdout:
            if line.strip():
                hear(line.strip())
        hear("")


def _arguments(options: Options, image: Path, vm: Path) -> list[str]:
    """QEMU's arguments. Processors are all on node 0: one on node 1 would start automatic NUMA balancing."""
    size = options.mem_mb // options.numa
    arguments = ["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-nodefaults", "-no-reboot"]
    arguments += ["-display", "none", "-smp", str(options.cpus), "-m", f"{size * options.numa}M", "-kernel", str(image)]
    for node in range(options.numa):
        cpus = f",cpus=0-{options.cpus - 1}" if node == 0 else ""
        arguments += ["-object", f"memory-backend-memfd,id=m{node},size={size}M,share=on"]
        arguments += ["-numa", f"node,memdev=m{node}{cpus}"]
    for tag in ("root", "share"):
        arguments += ["-chardev", f"socket,id={tag},path={tag}.sock", "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
    if options.swap_mb:  # NVMe is built in, virtio-blk is not
        arguments += ["-drive", "file=swap.img,if=none,id=swap,format=raw,cache=unsafe", "-device", "nvme,serial=swap,drive=swap"]
    arguments += ["-serial", "file:console.log", "-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line"]
    kernel = f"rootfstype=virtiofs root=root ro init={vm}/init.sh console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr"
    return [*arguments, "-append", f"{kernel} {options.kernel.args} {options.args}"]


def _kept() -> list[Path]:
    """What the guest must see at its own path wherever it is: the checkout, and the Python that runs this."""
    imported = {Path(entry).absolute() for entry in sys.path if Path(entry).is_dir()}
    return sorted({CHECKOUT, Path.cwd(), Path(sys.prefix), Path(sys.base_prefix)} | imported)


def _mounts() -> list[str]:
    """Mount points to show to the guest, outermost first: / and those that hold what it must see."""
    points = [re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4])
              for line in Path("/proc/self/mountinfo").read_text().splitlines()]  # fmt: skip
    needed = [*_kept(), Path(tempfile.gettempdir()).absolute()]
    holding = {point for point in points for path in needed if path.is_relative_to(point)}
    if hidden := [point for point in holding if point.split("/")[1] in ("sys", "proc", "dev") and point != "/"]:
        raise Unavailable(f"{hidden[0]} is not shown to a guest: use a checkout and a Python that are elsewhere")
    return sorted(holding, key=len)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _close(pipe: IO[str] | None) -> None:
    with contextlib.suppress(OSError):  # an unsent line to a guest that is gone
        if pipe:
            pipe.close()
