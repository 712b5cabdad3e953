"""`python -m tests.vm [--kernel KEY] [--numa 2] [--swap MIB] [--out FOLDER] -- CMD…`: CMD as root in a fresh guest.

Prints its output as it comes and exits with its status. The guest sees the current folder, read-only; CMD can write to
its own /tmp, and to $OUT, which is copied to FOLDER.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from .errors import VmError
from .guest import Guest
from .job import Job
from .kernels import KERNELS
from .machine import Options


def main() -> int:
    words = _parser().parse_args()
    chosen = next(kernel for kernel in KERNELS if kernel.key == words.kernel)
    options = Options(chosen, words.mem, words.cpus, words.numa, words.swap, words.args, limit_s=words.limit)
    try:
        guest = Guest.boot(options)
    except VmError as error:
        sys.exit(f"tests.vm: {error}")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    try:
        out = guest.share / "out"
        out.mkdir()
        status = _follow(guest.start(words.command, env={"OUT": str(out)}, cwd=Path.cwd(), cpu=0 if words.pin else None))
        if words.out:
            shutil.copytree(out, words.out, dirs_exist_ok=True)
        return status
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        guest.stop()


def _follow(job: Job) -> int:
    """Prints what the command writes as it writes it; its exit status."""
    shown = [0, 0]
    running = True
    while running:
        running = job.running
        for place, (stream, text) in enumerate(((sys.stdout, job.stdout), (sys.stderr, job.stderr))):
            stream.write(text[shown[place] :])
            stream.flush()
            shown[place] = len(text)
        time.sleep(0.1 if running else 0)
    return job.wait(0).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.vm", description="Run a command as root in a fresh virtual machine.")
    parser.add_argument("--kernel", choices=[kernel.key for kernel in KERNELS], default=KERNELS[-1].key)
    parser.add_argument("--mem", type=int, default=1024, metavar="MIB")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--numa", type=int, choices=(1, 2), default=1, help="2: a second node, with memory only")
    parser.add_argument("--swap", type=int, default=0, metavar="MIB")
    parser.add_argument("--args", default="", help="more kernel arguments")
    parser.add_argument("--limit", type=int, default=3600, metavar="SECONDS", help="the guest is ended after this")
    parser.add_argument("--pin", action="store_true", help="run on processor 0")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="gets what the command wrote to $OUT")
    parser.add_argument("command", nargs="+", metavar="CMD")
    return parser


if __name__ == "__main__":
    sys.exit(main())
