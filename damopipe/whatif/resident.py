"""What of selected memory was in memory at all: address space can be idle because nothing was ever there.

Memory that is not selected was accessed lately, and so is resident: what is left of the RSS was selected. An estimate: the
memory that is not selected may have holes, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from damopipe.whatif.reading import Query, sql

if TYPE_CHECKING:
    from damopipe.records import Column


@dataclass(frozen=True)
class Resident:
    """The resident memory of all targets over time."""

    ts_ns: Column
    rss: Column

    @classmethod
    def of_run(cls, query: Query, run_id: int) -> Self | None:
        """None where it was not recorded."""
        rows = query(sql("resident"), {"run": run_id})
        if not len(rows["ts"]):
            return None
        return cls(np.ma.getdata(rows["ts"]).astype("datetime64[ns]").view(np.int64), np.ma.getdata(rows["rss_bytes"]))

    def at(self, times_ns: Column) -> Column:
        """Between two records on the line from one to the other."""
        return np.interp(times_ns, self.ts_ns, self.rss)

    def of(self, times_ns: Column, watched: Column, selected: Column) -> Column:
        """Of what was selected at some times, how much was resident."""
        left: Column = self.at(times_ns) - (watched - selected)
        return np.clip(left, 0, selected)
