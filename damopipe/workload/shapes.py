"""The built-in shapes: known access patterns under a name, each a masim configuration in `configs/`.

`growing` maps its regions late, which masim's format cannot say, so `Shape` does.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from damopipe.errors import TargetError
from damopipe.workload import masim
from damopipe.workload.model import Region, Workload


@dataclass(frozen=True)
class Shape:
    """A built-in pattern and one line on what it does."""

    name: str
    does: str
    maps_late: bool = False

    def load(self) -> Workload:
        """The pattern itself, from its configuration in this package."""
        text = (resources.files("damopipe.workload") / "configs" / f"{self.name}.cfg").read_text("utf-8")
        return replace(masim.parse(text, f"{self.name}.cfg"), maps_late=self.maps_late)


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("stairs", "up five steps of 64 MiB, 4 s on each: 20 s"),
        Shape("zigzag", "up six steps of 64 MiB and down again, 2 s on each: 20 s"),
        Shape("hot-cold", "480 MiB once, then only the hot tenth of it: 20 s"),
        Shape("random", "256 MiB, pages in random order: 20 s"),
        Shape("growing", "32 MiB more every 2.5 s, mapped as it goes, all in use: 20 s", maps_late=True),
    )
}


def load(name: str) -> Workload:
    """The workload of a built-in shape, or of the masim configuration at the path `name`.

    Files with initial content are looked for beside the configuration. Raises TargetError when there is neither,
    UsageError when the configuration is wrong.
    """
    if name in SHAPES:
        return SHAPES[name].load()
    path = Path(name)
    try:
        workload = masim.parse(path.read_text("utf-8"), name)
    except (OSError, ValueError) as error:
        raise TargetError(_not_there(name, error)) from None
    return replace(workload, regions=tuple(_with_content(region, path.parent) for region in workload.regions))


def _with_content(region: Region, folder: Path) -> Region:
    return replace(region, content=str(folder / region.content)) if region.content else region


def _not_there(name: str, error: OSError | ValueError) -> str:
    if not isinstance(error, FileNotFoundError):
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        return f"workload {name}: cannot be read ({reason}); name a text file in masim's format"
    near = difflib.get_close_matches(name, SHAPES, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"shapes: {', '.join(SHAPES)}; generators and runs need --backend simulate"
    return f"workload {name!r}: neither a built-in shape nor a file; {hint}"
