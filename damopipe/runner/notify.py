"""Tells a service manager how a service stands: sd_notify(3), one datagram."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Sends `state` ("READY=1") to $NOTIFY_SOCKET; does nothing without one, or where nobody listens."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
        try:
            datagram.sendto(state.encode(), "\0" + path[1:] if path.startswith("@") else path)
        except OSError:  # who started us went away, or never listened: the schemes are on all the same
            return
