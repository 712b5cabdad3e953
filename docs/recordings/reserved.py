"""Maps 16 GiB for later, uses none of it, and sleeps."""

import mmap
import os
import time

descriptor = os.memfd_create("later")
os.ftruncate(descriptor, 16 << 30)
area = mmap.mmap(descriptor, 16 << 30)
time.sleep(15)
