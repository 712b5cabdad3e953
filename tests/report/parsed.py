"""A report as a browser's parser finds it, and what is packed in it."""

from __future__ import annotations

import base64
import json
import zlib
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A report's elements as a browser's parser finds them: how many of each tag, and the text of those with an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.by_id: dict[str, str] = {}
        self.text = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self._open = dict(attrs).get("id") or ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open:
            self.by_id[self._open] = self.by_id.get(self._open, "") + data

    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.by_id["about"])
        return found

    def unpacked(self, name: str) -> bytes:
        return zlib.decompress(base64.b64decode(self.by_id[f"pack-{name}"]))
