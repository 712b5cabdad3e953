"""Memory of our own making: each region a mapping of its own, told from its neighbours by a page nobody may touch.

Invariant: between two regions there is always a PROT_NONE page, so the kernel never merges them into one mapping.
Kernel documents: mmap(2), prctl(2) PR_SET_VMA (Linux 5.17, CONFIG_ANON_VMA_NAME).
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Sequence

from damopipe.errors import MachineError

_PROT_NONE = 0
_MAP_FIXED = 0x10
_MAP_NORESERVE = 0x4000
_MADV_NOHUGEPAGE = 15
_PR_SET_VMA = 0x53564D41
_PR_SET_VMA_ANON_NAME = 0
_FAILED = ctypes.c_void_p(-1).value


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 3, ctypes.c_char_p]
    return libc


class Arena:
    """Reserved address space for regions of `sizes_bytes`, in that order; each is memory once `map` was called."""

    def __init__(self, sizes_bytes: Sequence[int]) -> None:
        page = mmap.PAGESIZE
        self._libc = _libc()
        self.sizes_bytes = [-(-size // page) * page for size in sizes_bytes]
        self._mapped: set[int] = set()
        total = sum(self.sizes_bytes) + page * (len(sizes_bytes) + 1)
        base = self._mmap(None, total, _PROT_NONE, _MAP_NORESERVE)
        starts = [base + page]
        for size in self.sizes_bytes:
            starts.append(starts[-1] + size + page)
        self.starts = starts[:-1]

    def map(self, index: int, name: str) -> None:
        """Makes region `index` memory, not populated, without huge pages, named where the kernel can. Idempotent."""
        if index in self._mapped:
            return
        start, size = self.starts[index], self.sizes_bytes[index]
        self._mmap(start, size, mmap.PROT_READ | mmap.PROT_WRITE, _MAP_FIXED)
        # Refused where the kernel has no huge pages: then there are none to keep out.
        self._libc.madvise(start, size, _MADV_NOHUGEPAGE)
        # Refused where the kernel has no CONFIG_ANON_VMA_NAME: the name is only for people.
        self._libc.prctl(_PR_SET_VMA, _PR_SET_VMA_ANON_NAME, start, size, vma_name(name))
        self._mapped.add(index)

    def buffer(self, index: int) -> ctypes.Array[ctypes.c_ubyte]:
        """The bytes of region `index`, which must have been mapped."""
        return (ctypes.c_ubyte * self.sizes_bytes[index]).from_address(self.starts[index])

    def _mmap(self, address: int | None, size: int, protection: int, flags: int) -> int:
        flags |= mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        got: int | None = self._libc.mmap(address, size, protection, flags, -1, 0)
        if got is None or got == _FAILED:
            reason = os.strerror(ctypes.get_errno())
            raise MachineError(f"{size} bytes of memory cannot be mapped ({reason}); make the regions smaller")
        return got


def vma_name(name: str) -> bytes:
    """`name` as the kernel accepts it: at most 79 printable ASCII characters, none of them \\ ` $ [ ]."""
    return bytes(ord(c) if " " <= c <= "~" and c not in "\\`$[]" else ord("_") for c in name[:79])
