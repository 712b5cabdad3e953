"""A kdamond and what it works on: contexts and their targets, as the kernel has them.

Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "sysfs Interface". The kernel lets a kdamond have one context.
"""

from __future__ import annotations

from damopipe.damon.attrs import Attrs
from damopipe.damon.model import AddressRange, Model
from damopipe.damon.scheme import Scheme


class Target(Model):
    """Memory to watch: a process's, or with paddr the given physical ranges."""

    pid: int | None = None
    regions: tuple[AddressRange, ...] = ()
    """Where to begin, in bytes; the kernel finds a process's own when there are none."""
    obsolete: bool = False
    """Dropped at the next commit (Linux 6.19)."""


class Context(Model):
    """One piece of work; access patterns of its schemes are in samples and aggregations."""

    operations: str
    attrs: Attrs
    targets: tuple[Target, ...] = ()
    schemes: tuple[Scheme, ...] = ()
    addr_unit: int = 1
    """Bytes of one step of a physical address (Linux 6.18)."""
    pause: bool = False


class Kdamond(Model):
    """A kernel thread of DAMON."""

    context: Context
    refresh_ms: int = 0
    """How often the kernel refreshes statistics by itself; 0 is never (Linux 6.17)."""
