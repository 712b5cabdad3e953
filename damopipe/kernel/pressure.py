"""/proc/pressure/*: how much of the time something had to wait for a resource.

Kernel document: Documentation/accounting/psi.rst. Averages are read in basis points: the kernel gives two decimals.
"""

from __future__ import annotations

import re

from damopipe.kernel import fs, procfs

_FIELD = re.compile(r"(?:(avg\d+)=(\d+)\.(\d\d)|(total)=(\d+))(?!\S)")


def parse(text: str) -> dict[str, int]:
    """ "some.avg10" … in basis points and "some.total" in microseconds. What has another form is left out."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        share, _, fields = line.partition(" ")
        if share not in ("some", "full"):
            continue
        for window, whole, hundredths, total, microseconds in _FIELD.findall(fields):
            found[f"{share}.{window or total}"] = int(whole) * 100 + int(hundredths) if window else int(microseconds)
    return found


def read(resource: str, root: str = procfs.ROOT) -> dict[str, int]:
    """The pressure on cpu, memory or io; empty where the kernel keeps no account of it (CONFIG_PSI, psi=0)."""
    try:
        return parse(fs.read(f"{root}/pressure/{resource}").decode("ascii", "replace"))
    except OSError:
        return {}


def stalled_us(resource: str, root: str = procfs.ROOT) -> dict[str, int]:
    """Microseconds that "some" and "full" have waited since boot; empty as `read`."""
    found = read(resource, root)
    return {key.removesuffix(".total"): value for key, value in found.items() if key.endswith(".total")}
