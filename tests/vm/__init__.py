"""Real kernels with DAMON, booted in QEMU without KVM, and the tests that run in them.

Nothing here can reach the DAMON of the machine that runs the tests: the guest's root is a non-recursive, read-only bind
of `/`, so that the guest has no other /sys than its own. `docs/contributing.md` says how to use it.
"""
