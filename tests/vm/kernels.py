"""The kernels that damopipe claims to work on: one tuple, which the docs quote.

Each is proven by the tests of this folder (`pytest --vm`); a kernel that is not here is not claimed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kernel:
    """One claimed kernel.

    `key` is what its version starts with; `package` in Debian's `suite` is where its image comes from; `folder` is its
    place in the cache; `args` are kernel arguments that its tests need.
    """

    key: str
    folder: str
    suite: str
    package: str
    args: str = ""


# Debian's 7.3 starts DAMON_STAT at boot, and then every kdamond of sysfs is refused (EBUSY).
KERNELS = (
    Kernel("6.12", "kernel-lts", "bookworm-backports", "linux-image-cloud-amd64"),
    Kernel("7.3", "kernel-new", "trixie-backports", "linux-image-cloud-amd64", "damon_stat.enabled=N"),
)


def kernel(key: str) -> Kernel:
    """The claimed kernel of this key. Raises KeyError, naming the known keys."""
    for known in KERNELS:
        if known.key == key:
            return known
    raise KeyError(f"no kernel {key!r} is claimed; there are {', '.join(known.key for known in KERNELS)}")
