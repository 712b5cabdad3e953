"""The working set of known workloads: within a tenth and 2 MiB of the truth in steady phases, at the right addresses.

The steps are of 10 and 20 MB: what Python touches in QEMU within a sampling interval or two.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from damopipe.pipeline.planned import PlannedTarget

from ..backend.plans import command, plan
from .sessions import Run

MIB = 1 << 20
ONCE = "{name}, 0, 4096, 1\n"
Span = tuple[int, int]


def masim(sizes: dict[str, int], phases: list[tuple[int, list[str]]]) -> str:
    """A configuration in masim's format: regions by their bytes, then phases by milliseconds and what they touch."""
    regions = "".join(f"{name}, {size}\n" for name, size in sizes.items())
    texts = (f"p{n}\n{ms}\n" + "".join(ONCE.format(name=name) for name in names) for n, (ms, names) in enumerate(phases))
    return f"#regions\n{regions}\n#phases\n" + "\n".join(texts)


def recorded(tmp_path: Path, text: str, seconds: float) -> tuple[Run, dict[str, Span]]:
    """A recording of a configuration, and where its regions are."""
    file = tmp_path / "workload.cfg"
    file.write_text(text)
    run = Run(plan(PlannedTarget(kind="workload", workload=str(file)), seconds=seconds, sample_ms=5, also=("mappings",)))
    assert int(run.snapshots["lost_events"].sum()) == 0
    mapping = run.tables["mapping"]
    names = [str(name) for name in mapping["name"]]
    places = {name[6:-1]: row for row, name in enumerate(names) if name.startswith("[anon:")}
    return run, {name: (int(mapping["start_addr"][row]), int(mapping["end_addr"][row])) for name, row in places.items()}


def working_set(run: Run, span: Span) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Bytes of `span` accessed in each snapshot."""
    r = run.regions
    start, end = (np.clip(r[name].astype(np.int64), *span) for name in ("start_addr", "end_addr"))
    bytes_ = np.where(r["nr_accesses"] > 0, end - start, 0)
    return np.array([int(bytes_[r["ts"] == ts].sum()) for ts in np.unique(r["ts"])])


def is_near(found: float, truth: int) -> bool:
    return abs(found - truth) <= truth / 10 + 2 * MIB


def steady(run: Run, spans: dict[str, Span], name: str) -> float:
    """The median working set of all regions together while `name` is the one that is used, and DAMON has adapted to it.

    Regions adapt by a merge and a split an aggregation, so the first half of a phase is not steady yet.
    """
    of = {key: working_set(run, span) for key, span in spans.items()}
    used = of[name] >= np.maximum.reduce(list(of.values()))
    used &= of[name] > (spans[name][1] - spans[name][0]) // 2
    when = np.flatnonzero(used)
    assert len(when) >= 8, f"{name} was hardly ever seen in use"
    return float(np.median(np.add.reduce(list(of.values()))[when[len(when) // 2 :]]))


def test_stairs(tmp_path: Path) -> None:
    steps = [f"s{n}" for n in range(4)]
    run, spans = recorded(tmp_path, masim(dict.fromkeys(steps, 10_000_000), [(1000, steps), *((4000, [s]) for s in steps)]), 16)
    for name in steps:
        assert is_near(steady(run, spans, name), 10_000_000), name
    when = [float(np.median(np.flatnonzero(working_set(run, spans[name]) > 5_000_000))) for name in steps]
    assert when == sorted(when)


def test_zigzag(tmp_path: Path) -> None:
    phases = [(1000, ["a", "b"])] + [(3000, [name]) for _ in range(2) for name in ("a", "b")]
    run, spans = recorded(tmp_path, masim({"a": 20_000_000, "b": 20_000_000}, phases), 12)
    for name in ("a", "b"):
        assert is_near(steady(run, spans, name), 20_000_000), name
        in_use = working_set(run, spans[name]) > 10_000_000
        assert int((np.diff(in_use.astype(int)) == 1).sum()) >= 1, f"{name} comes and goes"


def test_a_hot_part_of_a_large_map(tmp_path: Path) -> None:
    sizes = {"cold0": 38 * MIB, "hot": 23 * MIB, "cold1": 39 * MIB}
    run, spans = recorded(tmp_path, masim(sizes, [(1000, list(sizes)), (20_000, ["hot"])]), 10)
    assert is_near(steady(run, spans, "hot"), 23 * MIB)
    assert run.rate(spans["hot"]) > 0.3
    assert run.rate(spans["cold0"]) < 0.1
    assert run.rate(spans["cold1"]) < 0.1


if os.environ.get("DAMOPIPE_MASIM"):  # masim, built elsewhere: `DAMOPIPE_MASIM=FOLDER pytest --vm` runs its own two as well

    @pytest.mark.parametrize(("name", "truth"), [("stairs_30secs", 10_000_000), ("zigzag_30secs", 100_000_000)])
    def test_masims_own(name: str, truth: int) -> None:
        folder = Path(os.environ["DAMOPIPE_MASIM"])
        words = (str(folder / "masim"), str(folder / "configs" / name))
        run = Run(plan(command(*words), seconds=30, sample_ms=5))
        assert int(run.snapshots["lost_events"].sum()) == 0
        everything = working_set(run, (0, (1 << 64 - 1) - 1))
        assert is_near(float(np.median(everything[len(everything) // 4 :])), truth)
