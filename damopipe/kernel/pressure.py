"""/proc/pressure/*: how much of the time something had to wait for a resource.

Kernel document: Documentation/accounting/psi.rst. Averages are read in basis points: the kernel gives two decimals.
"""

from __future__ import annotations

import re

from damopipe.kernel import fs, procfs

_LINE = re.compile(r"^(some|full) avg10=(\d+)\.(\d\d) avg60=(\d+)\.(\d\d) avg300=(\d+)\.(\d\d) total=(\d+)$", re.MULTILINE)


def parse(text: str) -> dict[str, int]:
    """ "some.avg10" … in basis points and "some.total" in microseconds. Lines of another form are left out."""
    found: dict[str, int] = {}
    for share, *numbers, total in _LINE.findall(text):
        for window, whole, hundredths in zip(("avg10", "avg60", "avg300"), numbers[::2], numbers[1::2], strict=True):
            found[f"{share}.{window}"] = int(whole) * 100 + int(hundredths)
        found[f"{share}.total"] = int(total)
    return found


def read(resource: str, root: str = procfs.ROOT) -> dict[str, int]:
    """The pressure on cpu, memory or io; empty where the kernel keeps no account of it (CONFIG_PSI, psi=0)."""
    try:
        return parse(fs.read(f"{root}/pressure/{resource}").decode("ascii", "replace"))
    except OSError:
        return {}
