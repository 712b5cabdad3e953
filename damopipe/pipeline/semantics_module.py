"""What is sensible in a [module] table: parameters that the module has, with their units, that fit together.

Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst, stat.rst.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from damopipe import units
from damopipe.damon.modules import MODULES, DamonModule, Parameter
from damopipe.errors import UsageError
from damopipe.pipeline.keys import child
from damopipe.pipeline.model import Pipeline
from damopipe.pipeline.module_values import kernel_text, shown_text

Found = Iterator[tuple[str, str]]

_KEY = "module.parameters"
_OURS = {"enabled": "is written by damopipe itself; leave it out", "commit_inputs": "is written by nobody; leave it out"}
_WHOLE = {"permil": 1000, "bp": 10_000}
_ORDERED = (
    ("sample_interval", "aggr_interval"),
    ("min_nr_regions", "max_nr_regions"),
    ("wmarks_low", "wmarks_mid", "wmarks_high"),
    ("monitor_region_start", "monitor_region_end"),
)
"""Parameters that must not be larger than the next."""
_NEVER_ZERO = ("quota_reset_interval_ms", "sample_interval", "aggr_interval", "addr_unit")


def module_problems(pipeline: Pipeline) -> Found:
    """Everything that is wrong with a pipeline that runs a module, but for what stands beside it."""
    module = pipeline.module
    if module is None:
        return
    if pipeline.backend not in ("auto", "damon"):
        yield "backend", f"{pipeline.backend!r} runs no modules; write backend = 'damon', or leave it out"
    if "mappings" in pipeline.record.also:
        yield "record.also", "a module has no targets whose mappings could be sampled; leave 'mappings' out"
    if "regions" in pipeline.record.model_fields_set:
        yield "record.regions", "a module tells no regions, only statistics, every second; leave it out"
    yield from _parameters(MODULES[module.name], module.parameters)


def _parameters(module: DamonModule, given: Mapping[str, object]) -> Found:
    known = {parameter.name: parameter for parameter in module.parameters}
    texts = {name: parameter.default for name, parameter in known.items()}
    right = True
    for name, value in given.items():
        try:
            texts[name] = _text(module, known, name, value)
        except UsageError as error:
            right = False
            yield child(_KEY, name), str(error)
    if right and known:
        yield from _together(module, texts, given)


def _text(module: DamonModule, known: Mapping[str, Parameter], name: str, value: object) -> str:
    if name not in known:
        raise UsageError(_unknown(module, name))
    text = kernel_text(known[name], value)
    whole = _WHOLE.get(known[name].unit)
    if whole and int(text) > whole:
        raise UsageError("is more than 100%")
    if text == "0" and name in _NEVER_ZERO:
        raise UsageError("is zero, which the kernel cannot divide by")
    if name == "addr_unit" and int(text) & (int(text) - 1):
        raise UsageError(f"{units.format_bytes(int(text))} is no power of 2; the kernel takes 1B, 2B, 4B …")
    return text


def _unknown(module: DamonModule, name: str) -> str:
    if name in _OURS:
        return _OURS[name]
    if name in (*module.statistics, "kdamond_pid"):
        return "is the kernel's to write; it is recorded, so leave it out"
    if not module.parameters:
        return f"{module.title} has no parameters to set; leave it out"
    others = [other.title for other in MODULES.values() if name in other.names]
    if others:
        return f"is a parameter of {others[0]}, not of {module.title}; leave it out"
    near = difflib.get_close_matches(name, module.names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(module.names)}"
    return f"unknown parameter of {module.title}; {hint}"


def _together(module: DamonModule, texts: Mapping[str, str], given: Mapping[str, object]) -> Found:
    """What the kernel would refuse, or would never act on, of values that are right by themselves."""
    for low_to_high in _ORDERED:
        numbers = [int(texts[name]) for name in low_to_high]
        if numbers != sorted(numbers):
            values = [shown_text(one, texts[one.name]) for name in low_to_high for one in module.parameters if one.name == name]
            yield _first(low_to_high, given), f"must be {' ≤ '.join(low_to_high)}; these are {' and '.join(values)}"
    if int(texts["min_nr_regions"]) < 3:
        yield _first(["min_nr_regions"], given), "is less than 3, the least that the kernel takes"
    if texts["monitor_region_start"] == texts["monitor_region_end"] != "0":
        yield _first(["monitor_region_end", "monitor_region_start"], given), "is an empty range: its start is its end"


def _first(names: Sequence[str], given: Mapping[str, object]) -> str:
    """The key of the first of them that the file has."""
    return child(_KEY, next((name for name in names if name in given), names[0]))
