"""What a guest's first process said, to whoever waits for it.

It says `ready VERSION`, `started N PID` and `done N STATUS`; each is said once and kept. The truth is in `init.sh`.
"""

from __future__ import annotations

import threading


class Line:
    """The listening end. `hear` is called from a thread; an empty line means that the guest is gone."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._news = threading.Condition()
        self.gone = False

    def hear(self, line: str) -> None:
        with self._news:
            subject, _, answer = line.rpartition(" ")
            self._said[subject] = answer
            self.gone = self.gone or not line
            self._news.notify_all()

    def wait(self, subject: str, seconds: float) -> str | None:
        """The answer to "ready", "started N" or "done N"; None if it does not come in time or the guest is gone."""
        with self._news:
            self._news.wait_for(lambda: subject in self._said or self.gone, seconds)
            return self._said.get(subject)
