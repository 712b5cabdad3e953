"""perf, the peer: what `perf record -e damon:damon_aggregated` sees, as rows, and what it costs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

_EVENT = re.compile(r"target_id=(\d+) nr_regions=(\d+) (\d+)-(\d+): (\d+) (\d+)")
_START_SECONDS = 60.0
_WARM_SECONDS = 6.0

Row = tuple[int, int, int, int, int, int]


class Perf:
    """A recording of all CPUs; entered when perf really records."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "perf.data"
        self.cpu_seconds = 0.0
        program = shutil.which("perf")
        assert program, "needs perf: apt install linux-perf"
        self._program = program

    def __enter__(self) -> Perf:
        words = [self._program, "record", "-q", "-a", "-k", "mono", "-e", "damon:damon_aggregated", "-o", str(self.file)]
        self._child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while not (self.file.exists() and self.file.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(_WARM_SECONDS)  # it has made its file well before it records
        return self

    def __exit__(self, *_: object) -> None:
        self._child.send_signal(signal.SIGINT)
        usage = os.wait4(self._child.pid, 0)[2]
        self._child.returncode = 0  # it is reaped, which subprocess cannot know
        self.cpu_seconds = usage.ru_utime + usage.ru_stime

    def rows(self) -> list[Row]:
        """target, count, start, end, nr_accesses and age of every event, in order of time."""
        words = [self._program, "script", "-F", "trace", "-i", str(self.file)]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return [(int(a), int(b), int(c), int(d), int(e), int(f)) for a, b, c, d, e, f in _EVENT.findall(text)]
