"""What can go wrong around a guest. None of these is a failed command: that is `Done.returncode`."""

from __future__ import annotations


class VmError(Exception):
    """The virtual machine did not do what it was asked."""


class Unavailable(VmError):
    """This machine cannot run one: QEMU or a kernel cannot be had, or the user may not. Says what to do."""


class NotStarted(VmError):
    """The guest's first process never spoke."""


class TimedOut(VmError):
    """A command ran out of time and was killed in the guest; the message has its output so far."""
