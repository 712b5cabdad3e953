"""What a run comes to: for the last lines on the terminal, for `--json`, and for the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from damopipe.outputs import OutputResult
    from damopipe.pipeline.planned import Plan
    from damopipe.runner.recording import Recorded


@dataclass(frozen=True)
class RunResult:
    """A finished run."""

    run_id: int
    plan: Plan
    store: Path
    out_dir: Path
    recorded: Recorded
    outputs: tuple[OutputResult, ...]
    notes: tuple[str, ...]
    health: tuple[str, ...]
    """What makes the records doubtful, a line each, with what to do."""
    signal_number: int | None

    @property
    def exit_code(self) -> int:
        """130/143 interrupted, 1 an output failed, 4 a check failed, else 0."""
        if self.signal_number:
            return 128 + self.signal_number
        if any(output.error for output in self.outputs if output.kind != "check"):
            return 1
        return 4 if any(output.error for output in self.outputs) else 0

    def as_json(self) -> dict[str, Any]:
        """Everything that `run` prints, as one object."""
        tally = self.recorded.tally
        return {
            "run_id": self.run_id,
            "pipeline": self.plan.name,
            "backend": self.plan.backend,
            "backend_reason": self.plan.backend_reason,
            "status": self.recorded.status,
            "end_reason": self.recorded.end_reason,
            "seconds": round(tally.elapsed_s, 3),
            "samples": tally.samples,
            "snapshots": tally.snapshots,
            "region_rows": tally.region_rows,
            "lost_events": tally.lost_events,
            "store": str(self.store),
            "out_dir": str(self.out_dir),
            "outputs": [output.as_json() for output in self.outputs],
            "notes": list(self.notes),
            "health": list(self.health),
            "exit_code": self.exit_code,
        }
