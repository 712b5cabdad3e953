"""Kdamonds as sysfs files, and back.

`render` and `parse` are pure and undo each other, for whole numbers of address units; `damopipe.kernel.kdamonds` does the
I/O. Paths are relative to /sys/kernel/mm/damon/admin/kdamonds. What files there are: `damopipe.kernel.layout`.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "sysfs Interface".
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from damopipe.damon.kdamond import Kdamond
from damopipe.errors import MachineError
from damopipe.kernel.address_units import in_bytes, in_units
from damopipe.kernel.layout import KDAMOND, SCHEME, Layout, Leaf, Many, layer_of, tidy_kdamond

Tree = Mapping[str, str]
"""Each file's text by its path, line ends left out."""


def render(kdamonds: Sequence[Kdamond], features: Container[str]) -> dict[str, str]:
    """Every file and its text, in the order of writing, also those at their default; counts come before their folders.

    `features` are the names of `kernel.features`. Raises MachineError when a kdamond needs a file that they lack.
    """
    files = {"nr_kdamonds": str(len(kdamonds))}
    for number, kdamond in enumerate(kdamonds):
        files[f"{number}/contexts/nr_contexts"] = "1"
        files |= dict(_files(in_units(kdamond), KDAMOND, f"{number}/", features))
    return files


def parse(tree: Tree) -> tuple[Kdamond, ...]:
    """The kdamonds of a tree; files that this version does not know are left out. MachineError for what is no number."""
    count = int(tree.get("nr_kdamonds", "0"))
    found = [n for n in range(count) if tree.get(f"{n}/contexts/nr_contexts", "0") != "0"]
    return tuple(in_bytes(Kdamond.model_validate(tidy_kdamond(_item(tree, f"{n}/", KDAMOND)))) for n in found)


def differing(now: Tree, wanted: Tree) -> dict[str, str]:
    """What to write, in the order of `wanted`, to make the files of `now` those: what differs, and nothing else.

    A count that differs makes its folders anew, so all below it is written; so is what has to become empty, which no
    write can do.
    """
    counts = [path for path in wanted if path.rpartition("/")[2].startswith("nr_")]
    anew = {path for path in counts if now.get(path) != wanted[path]}
    emptied = [path for path, text in wanted.items() if not text and now.get(path)]
    anew |= {max((count for count in counts if path.startswith(_folder_of(count))), key=len) for path in emptied}
    folders = tuple(_folder_of(path) for path in anew)
    return {path: text for path, text in wanted.items() if path.startswith(folders) or now.get(path) != text}


def _folder_of(count: str) -> str:
    return f"{count.rpartition('/')[0]}/"


def _files(noun: Any, layout: Layout, prefix: str, features: Container[str]) -> Iterator[tuple[str, str]]:
    for entry in layout:
        there = entry.needs is None or entry.needs in features
        if isinstance(entry, Many):
            yield from _folder(entry, noun, prefix, features, there)
        elif there:
            yield prefix + entry.path, entry.codec.render(_field(noun, entry.field, entry.default))
        elif _field(noun, entry.field, entry.default) not in (entry.default, None):
            raise _missing(entry.needs, prefix + entry.path, _field(noun, entry.field, entry.default))


def _folder(entry: Many, noun: Any, prefix: str, features: Container[str], there: bool) -> Iterator[tuple[str, str]]:
    items = [item for item in _field(noun, entry.field, ()) if entry.layer is None or entry.layer == layer_of(item)]
    if not there:
        # Filters have a place of their own on kernels without folders for layers.
        if items and entry.layer is None:
            raise _missing(entry.needs, prefix + entry.folder, len(items))
        return
    if entry.unless is not None and entry.unless in features:
        items = []
    folder = f"{prefix}{entry.folder}/"
    yield folder + entry.counter, str(len(items))
    for number, item in enumerate(items):
        yield from _files(item, entry.item, f"{folder}{number}/", features)


def _field(noun: Any, dotted: str, default: Any) -> Any:
    """The value of a dotted field; `default` where something on the way to it is None."""
    *parents, last = dotted.split(".")
    for name in parents:
        noun = getattr(noun, name)
        if noun is None:
            return default
    return getattr(noun, last)


def _missing(needs: str | None, path: str, value: object) -> MachineError:
    return MachineError(f"this kernel's DAMON has no {path} (feature {needs}), which {value!r} needs; see damopipe doctor")


def _item(tree: Tree, prefix: str, layout: Layout) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in layout:
        if isinstance(entry, Many):
            _put(found, entry.field, [*_got(found, entry.field), *_items(tree, prefix, entry)])
        elif prefix + entry.path in tree:
            _put(found, entry.field, _value(entry, prefix + entry.path, tree[prefix + entry.path]))
    return found


def _items(tree: Tree, prefix: str, entry: Many) -> Iterable[dict[str, Any]]:
    folder = f"{prefix}{entry.folder}/"
    for number in range(int(tree.get(folder + entry.counter, "0"))):
        item = entry.tidy(_item(tree, f"{folder}{number}/", entry.item))
        yield _as_scheme(item, number) if entry.item is SCHEME else item


def _as_scheme(item: dict[str, Any], number: int) -> dict[str, Any]:
    """The kernel has no names for schemes, and one unit."""
    item["pattern"] |= {"access_unit": "samples", "age_unit": "aggregations"}
    return item | {"name": f"{item['action']}-{number}"}


def _value(entry: Leaf, path: str, text: str) -> Any:
    try:
        return entry.codec.parse(text)
    except ValueError:
        raise MachineError(f"{path}: found {text!r}, not a number") from None


def _put(found: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for name in parents:
        found = found.setdefault(name, {})
    found[last] = value


def _got(found: dict[str, Any], dotted: str) -> list[Any]:
    *parents, last = dotted.split(".")
    for name in parents:
        found = found.get(name, {})
    got: list[Any] = found.get(last, [])
    return got
