"""Three parts of memory with names, each accessed in a way of its own, until it is ended."""

import mmap
import os
import time


def touch(area):
    area[::4096] = b"x" * (len(area) // 4096)


def part(name, mib):
    descriptor = os.memfd_create(name)
    os.ftruncate(descriptor, mib << 20)
    area = mmap.mmap(descriptor, mib << 20)
    touch(area)
    return area


archive, cache, index = part("archive", 160), part("cache", 64), part("index", 32)
began = time.monotonic()
while True:
    touch(index)
    if int(time.monotonic() - began) // 10 % 2:
        touch(cache)
    time.sleep(0.1)
