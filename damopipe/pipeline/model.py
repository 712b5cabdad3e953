"""The shape of a pipeline file, complete: what every key is, and nothing about what is sensible (`semantics`).

Docs, the JSON Schema and the names that errors suggest are made from these models.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr, StringConstraints, field_validator

from damopipe.damon.model import Model
from damopipe.pipeline.exports import FORMATS
from damopipe.pipeline.model_guard import Guard
from damopipe.pipeline.model_scheme import U32, Filter, Node, Scheme
from damopipe.pipeline.model_simulate import Simulate as Simulate
from damopipe.pipeline.values import Bp, Pid, Size, Span, TimeMs, TimeUs, shown
from damopipe.units import U64_MAX

Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]
Backend = Literal["auto", "damon", "procfs", "simulate"]
Operations = Literal["vaddr", "fvaddr", "paddr"]
Also = Literal["process", "mappings", "system", "schemes"]


def _one(value: Any) -> Any:
    if type(value) is not int or value != 1:
        raise ValueError(f"{shown(value)} is not a version of the format; write version = 1")
    return value


class Process(Model):
    """Running processes, found by what they are."""

    name: StrictStr | None = Field(None, description="The process's name, as /proc/PID/comm has it.")
    cmdline: StrictStr | None = Field(None, description="A text that its command line contains.")
    user: StrictStr | None = Field(None, description="The user that it runs as.")
    children: StrictBool = Field(False, description="Watch its children too, as they come and go.")


class Physical(Model):
    """Physical memory; empty for all System RAM."""

    regions: list[Span] | None = Field(None, description="Ranges of physical addresses.")
    numa_node: Node | None = Field(None, description="All memory of one NUMA node.")


class Target(Model):
    """Memory to watch, named in exactly one way."""

    command: list[StrictStr] | None = Field(
        None, min_length=1, description="A program and its arguments: started by us, ended with the run."
    )
    pid: Pid | None = Field(None, description="A process that runs already.")
    process: Process | None = Field(None, description="Processes found by name, command line or user.")
    cgroup: StrictStr | None = Field(None, description="Every process in a cgroup, followed as they come and go.")
    workload: StrictStr | None = Field(
        None,
        description="A known access pattern of ours, or the path of a masim configuration; on simulate also a generator "
        "(zipf:size=4GiB) or a recorded run (run:12).",
    )
    physical: Physical | None = Field(None, description="Physical memory; {} for all System RAM.")
    user: StrictStr | None = Field(None, description="Who `command` runs as; else the invoking user, also under sudo.")
    children: StrictBool = Field(False, description="Watch the children of `command` or `pid` too.")
    regions: list[Span] = Field([], description="Initial regions, for operations fvaddr.")
    obsolete: StrictBool = Field(False, description="Not watched any more: left out, as if it were not written; damo's obsolete.")


class Regions(Model):
    """How few and how many regions DAMON may use."""

    min: StrictInt = Field(10, ge=3, le=U64_MAX, description="At least so many.")
    max: StrictInt = Field(1000, ge=3, le=U64_MAX, description="At most so many: the bound of the overhead.")


class Autotune(Model):
    """Tuning of the intervals by the kernel (Linux 6.15)."""

    access: Bp = Field(400, description="The share of observable access events to aim at.")
    aggregations: StrictInt = Field(3, ge=1, le=U64_MAX, description="How many aggregations it is judged over.")
    min_sample: TimeUs = Field(5_000, description="The shortest sampling interval.")
    max_sample: TimeUs = Field(10_000_000, description="The longest sampling interval.")


class Probe(Model):
    """A data attribute to sample beside accesses (Linux 7.2)."""

    filters: list[Filter] = Field([], description="What counts as a hit.")
    weight: U32 | None = Field(None, description="How much a hit weighs (Linux 7.3).")


class Monitoring(Model):
    """DAMON's monitoring attributes; the backend's defaults where left out."""

    operations: Operations | None = Field(None, description="vaddr, fvaddr or paddr; paddr for physical memory, else vaddr.")
    sample: TimeUs | None = Field(None, description="The sampling interval: damon 5ms, procfs 100ms.")
    aggregation: TimeUs | None = Field(None, description="The aggregation interval: damon 100ms, procfs 10 samples.")
    update: TimeUs | None = Field(None, description="How often the watched ranges are looked up anew: 1s.")
    regions: Regions = Field(Regions(min=10, max=1000), description="The limits of the number of regions.")
    autotune: Autotune | None = Field(None, description="Let the kernel tune the intervals.")
    probes: list[Probe] = Field([], description="Data attributes to sample.")
    addr_unit: Size | None = Field(
        None, description="Bytes of one step of the kernel's addresses (Linux 6.18, paddr); here all stays in bytes."
    )
    pause: StrictBool = Field(False, description="Start paused (Linux 7.2).")
    refresh: TimeMs | None = Field(None, description="Let the kernel refresh statistics this often (Linux 6.17).")


class Record(Model):
    """What to record, for how long."""

    duration: TimeUs | None = Field(None, description="How long; else until the target ends.")
    regions: StrictStr = Field("every aggregation", description='"every aggregation", or a snapshot every "1s".')
    also: list[Also] = Field([], description="What else to sample beside the accesses.")


class Output(Model):
    """A stage after recording: exactly one of chart, sql, sql_file, report, export, whatif."""

    chart: StrictStr | None = Field(None, description="A chart by its name.")
    sql: StrictStr | None = Field(None, description="A query; it sees this run's rows.")
    sql_file: StrictStr | None = Field(None, description="A file with a query, relative to the pipeline file.")
    vega_lite: StrictStr | None = Field(
        None,
        description="Beside sql: a Vega-Lite file, relative to the pipeline file, that draws the rows (its data is named rows).",
    )
    report: StrictStr | None = Field(None, description="An HTML report: the file's name.")
    export: StrictStr | None = Field(None, description=f"The format that the run is exported in: {', '.join(FORMATS)}.")
    whatif: StrictStr | None = Field(None, description="A file of schemes, with lists of values, that are tried on the records.")
    file: StrictStr | None = Field(
        None, description="The file to write, or an export's folder of tables, in the run's folder; its ending is its format."
    )
    options: dict[str, Any] = Field(
        {}, description="A chart's own options: time_bins, addr_bins, scale …; a what-if's objective."
    )

    @field_validator("options")
    @classmethod
    def _plain(cls, options: dict[str, Any]) -> dict[str, Any]:
        """A plan is kept as JSON, so only what JSON has."""
        for name, value in options.items():
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError):
                raise ValueError(f"{name} is {shown(value)}; options are text, numbers, true, false and lists") from None
        return options


class Check(Model):
    """SQL whose rows are violations."""

    name: StrictStr = Field(description="What is checked, as a sentence.")
    sql: StrictStr | None = Field(None, description="A query; every row it gives is a violation.")
    sql_file: StrictStr | None = Field(None, description="A file with such a query, relative to the pipeline file.")
    severity: Literal["fail", "warn"] = Field("fail", description="Whether a violation fails the run (exit code 4).")
    on_empty: Literal["fail", "pass"] = Field("fail", description="What it means when nothing was recorded.")


class Context(Model):
    """One kdamond's work; the top-level keys are short for a single one."""

    target: list[Target] = Field([], description="What to watch.")
    monitoring: Monitoring = Field(Monitoring(), description="How.")
    scheme: list[Scheme] = Field([], description="Which schemes to run.")

    @property
    def watched(self) -> list[tuple[int, Target]]:
        """The targets that are not obsolete, with their numbers."""
        return [(number, target) for number, target in enumerate(self.target) if not target.obsolete]


class Module(Model):
    """A DAMON kernel module to run instead of contexts of our own."""

    name: Literal["reclaim", "lru_sort", "stat"] = Field(description="DAMON_RECLAIM, DAMON_LRU_SORT or DAMON_STAT.")
    parameters: dict[str, StrictStr | StrictInt | StrictBool] = Field(
        {}, description="Its parameters, by the kernel's names; the kernel's defaults where left out."
    )


class Matrix(Model):
    """Sweeps: every combination of these parameters is a run."""

    params: dict[str, list[StrictStr]] = Field({}, description="Names of [params], each with its values.")
    repeats: StrictInt = Field(1, ge=1, description="How often each combination runs.")


class Pipeline(Model):
    """A pipeline file."""

    version: Annotated[Literal[1], BeforeValidator(_one)] = Field(description="The version of the format: 1.")
    name: Name = Field(description="A short name: letters, digits, dots, dashes.")
    description: StrictStr = Field("", description="What it is for, in a sentence.")
    backend: Backend = Field("auto", description="Where it runs: auto, damon, procfs or simulate.")
    seed: StrictInt | None = Field(None, ge=0, le=U64_MAX, description="The seed of simulations and of the matrix's order.")
    params: dict[str, StrictStr | StrictInt | float | StrictBool] = Field(
        {}, description="Values that ${name} stands for; --set name=value overrides them."
    )
    target: list[Target] = Field([], description="What to watch.")
    monitoring: Monitoring = Field(Monitoring(), description="How to watch.")
    scheme: list[Scheme] = Field([], description="Which schemes to run.")
    context: list[Context] = Field([], description="Several kdamonds, instead of target, monitoring and scheme.")
    record: Record = Field(Record(), description="What to record.")
    output: list[Output] = Field([], description="What to make of it, in order.")
    check: list[Check] = Field([], description="What must hold.")
    module: Module | None = Field(None, description="A DAMON module to run instead.")
    guard: Guard | None = Field(None, description="When to pause or stop schemes.")
    simulate: Simulate | None = Field(None, description="What backend simulate is to model.")
    matrix: Matrix | None = Field(None, description="Sweeps over parameters.")

    @property
    def contexts(self) -> list[tuple[str, Context]]:
        """Every context with the prefix of its keys: "" for the top level's, else "context[0].", …; none with a module."""
        if self.module:
            return []
        if self.context:
            return [(f"context[{number}].", context) for number, context in enumerate(self.context)]
        return [("", Context(target=self.target, monitoring=self.monitoring, scheme=self.scheme))]
