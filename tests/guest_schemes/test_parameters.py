"""Every parameter is written, is read back as it was, and is one that the kernel starts and goes on with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from damopipe.backend.custody import Custody
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.damon.model import AddressRange
from damopipe.kernel import iomem
from damopipe.kernel.address_units import in_bytes, in_units
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.sysfs import parse, render

from .acting import FEATURES, HERE
from .conftest import Group, Lay
from .everything import Everything
from .layout import MIB

OBSOLETE = "N/contexts/N/targets/N/obsolete_target"


@pytest.fixture
def kdamonds() -> Iterator[Kdamonds]:
    """All of DAMON, put back afterwards."""
    with Custody(HERE, "parameters", print) as custody:
        custody.note(staged=True)
        yield custody.kdamonds
        for number in range(custody.kdamonds.count()):
            custody.kdamonds.switch_off(number)


@pytest.fixture
def everything(lay: Lay, group: Group) -> tuple[Kdamond, Kdamond]:
    """One kdamond on two processes, one on two ranges of node 1."""
    areas = [lay(some=(4, "cold")) for _ in range(2)]
    targets = [Target(pid=here.pid, regions=(here.areas["some"],)) for here in areas]
    first = iomem.node_ram(HERE, 1)[0].start_addr
    ranges = [AddressRange(start_addr=first + at * MIB, end_addr=first + (at + 32) * MIB) for at in (0, 64)]
    make = Everything(FEATURES, group(0))
    virtual = make.kdamond("fvaddr", *targets)
    return virtual, make.kdamond("paddr", Target(regions=tuple(ranges)), beside=virtual)


def is_count(path: str) -> bool:
    """Whether it makes folders, and is no limit or number of something else."""
    return re.search(r"/?nr_(kdamonds|contexts|targets|regions|probes|schemes|goals|filters|dests)$", path) is not None


def generic(path: str) -> str:
    """The same of each item; a filter has all files in either folder, and uses those of its type."""
    return re.sub(r"(^|/)\d+/", r"\1N/", re.sub(r"(core|ops)_filters", "filters", path))


def of_ours(listing: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    return {path: listing[path] for path in files if path in listing}


def test_every_parameter_is_written_read_back_started_and_committed(
    everything: tuple[Kdamond, Kdamond], kdamonds: Kdamonds
) -> None:
    files = render(everything, FEATURES)
    kdamonds.write({path: text for path, text in files.items() if is_count(path)})
    fresh = kdamonds.listing()
    assert left_at_default(files, fresh) == ({OBSOLETE} if "obsolete_target" in FEATURES else set())
    assert {path for path in fresh if is_writable(kdamonds, path)} - set(files) == {"0/state", "1/state"}
    kdamonds.write(files)
    listing = kdamonds.listing()
    assert of_ours(listing, files) == files
    assert parse(listing) == tuple(in_bytes(in_units(one)) for one in everything)  # whole numbers of address units
    goes_on(kdamonds, files)
    assert of_ours(kdamonds.listing(), files) == files


def left_at_default(files: Mapping[str, str], fresh: Mapping[str, str]) -> set[str]:
    """The fields that nothing of `files` sets to something else than what they are at first."""
    changed = {generic(path) for path, text in files.items() if fresh[path] != text}
    return {generic(path) for path in files if not is_count(path)} - changed


def is_writable(kdamonds: Kdamonds, path: str) -> bool:
    return bool((kdamonds.root / path).stat().st_mode & 0o200)


def goes_on(kdamonds: Kdamonds, files: dict[str, str]) -> None:
    """The kernel starts with the files, and commits them; no target can be obsolete before it is there."""
    for number in range(2):
        kdamonds.switch_on(number)
    if "obsolete_target" in FEATURES:
        last = OBSOLETE.replace("N", "0", 2).replace("N", "1")
        files[last] = "Y"
        kdamonds.write_one(last, "Y")
    for number in range(2):
        assert kdamonds.command(number, "commit")
        assert kdamonds.command(number, "update_schemes_stats")
        assert kdamonds.is_on(number)
