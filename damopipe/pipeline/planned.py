"""What a plan is made of: everything decided, everything JSON, nothing left to ask.

A `Plan` survives JSON (`Plan.model_validate_json(plan.model_dump_json()) == plan`) and is stored with its run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from damopipe.damon.attrs import Attrs
from damopipe.damon.model import AddressRange, Model
from damopipe.damon.scheme import Scheme
from damopipe.pipeline.metrics import Unit


class PlannedTarget(Model):
    """One target, by exactly one of the ways to name memory (`kind` says which)."""

    kind: Literal["command", "pid", "process", "cgroup", "workload", "physical"]
    command: tuple[str, ...] | None = None
    user: str | None = None
    """Who the command runs as; None is the invoking user."""
    pid: int | None = None
    process_name: str | None = None
    process_cmdline: str | None = None
    process_user: str | None = None
    children: bool = False
    cgroup: str | None = None
    workload: str | None = None
    """The name of a built-in shape, the absolute path of a masim configuration, or a model of memory ("zipf:size=1GiB")."""
    ranges: tuple[AddressRange, ...] | None = None
    """Physical ranges; None with kind "physical" is all System RAM (or all of `numa_node`)."""
    numa_node: int | None = None
    initial_regions: tuple[AddressRange, ...] = ()
    obsolete: bool = False
    """Only in what `plan.contexts_of` gives: a plan has nothing that is not watched."""


class PlannedFeed(Model):
    """What gives a user_input goal its current value: exactly one of `psi` and `command`."""

    scheme: int
    """The place of the scheme in its context."""
    goal: int
    """The place of the goal in its scheme."""
    psi: str | None = None
    """A key of `damopipe.pipeline.metrics.PSI_AVERAGES`; the value is in basis points."""
    command: tuple[str, ...] | None = None
    """Prints the value."""
    interval_us: int


class PlannedGuard(Model):
    """A condition that must hold while schemes run: exactly one of `metric` and `command`."""

    metric: str | None = None
    """A key of `damopipe.pipeline.metrics.METRICS`."""
    command: tuple[str, ...] | None = None
    """Breaks the guard by an exit code other than 0."""
    unit: Unit = "exit"
    """Of the limit and of what is measured; "bp" of a metric in bytes is its share of MemTotal."""
    above: int | None = None
    below: int | None = None
    lasting_us: int
    """For how long it must be broken."""
    then: Literal["pause", "stop"]


class PlannedContext(Model):
    """One kdamond's work: what to watch, how, and which schemes to run."""

    operations: str
    attrs: Attrs
    targets: tuple[PlannedTarget, ...]
    schemes: tuple[Scheme, ...] = ()
    addr_unit: int | None = None
    pause: bool = False
    refresh_ms: int = 0
    defaults: tuple[str, ...] = ()
    """The intervals that the file left out: sample, aggregation, update."""
    feeds: tuple[PlannedFeed, ...] = ()

    @property
    def counting(self) -> Scheme | None:
        """The scheme of its own that only counts: what that lets through is what snapshots are of; None where there is none."""
        return next((scheme for scheme in self.schemes if scheme.action == "stat"), None)


class PlannedSimulate(Model):
    """What a model plays."""

    memory: str | None = None
    """As `PlannedTarget.workload`: what targets do that are no workloads."""
    ram_bytes: tuple[int, ...] = ()
    """Of each memory node; empty for one node that is large enough."""
    touches_per_ms: int = 20_000
    swap_bytes: int | None = None
    """None: half as much as memory."""
    free_bp: int | None = None
    """The share of memory that is free at first; None: what watermarks ask for."""


class PlannedModule(Model):
    """A DAMON module that runs instead of contexts of our own."""

    name: Literal["reclaim", "lru_sort", "stat"]
    parameters: dict[str, str] = Field(default_factory=dict)
    """Every parameter that damopipe knows and its text for the kernel, in the order of writing."""
    defaults: tuple[str, ...] = ()
    """Those that the file left out: written only where the kernel has them."""


class PlannedRecord(Model):
    """What is recorded, for how long."""

    duration_us: int | None = None
    """None: until the target ends or somebody stops the run."""
    snapshot_us: int | None = None
    """None: every aggregation; else a snapshot at this interval."""
    also: tuple[Literal["process", "mappings", "system", "schemes"], ...] = ()


class PlannedOutput(Model):
    """One stage after recording: exactly one of `chart`, `sql`, `vega_lite`, `report`, `export`, `whatif`."""

    kind: Literal["chart", "sql", "vega_lite", "report", "export", "whatif"]
    name: str
    """The chart's name, the SQL text (whose rows `options["spec"]` draws for vega_lite), the format, or the
    file of a what-if (whose text is `options["text"]`)."""
    file: str | None = None
    """Relative to the run's folder."""
    options: dict[str, object] = Field(default_factory=dict)


class PlannedCheck(Model):
    """SQL whose rows are violations."""

    name: str
    sql: str
    severity: Literal["fail", "warn"] = "fail"
    on_empty: Literal["fail", "pass"] = "fail"


class Plan(Model):
    """A pipeline with nothing left to decide."""

    name: str
    description: str = ""
    file: str
    """The absolute path of the pipeline file."""
    sha256: str
    """Of the file's bytes."""
    text: str
    """The file, as it was."""
    backend: str
    """The backend that will run it; never "auto"."""
    backend_reason: str = ""
    params: dict[str, str] = Field(default_factory=dict)
    contexts: tuple[PlannedContext, ...]
    """Empty where a module runs."""
    module: PlannedModule | None = None
    record: PlannedRecord
    outputs: tuple[PlannedOutput, ...] = ()
    checks: tuple[PlannedCheck, ...] = ()
    seed: int | None = None
    guard: PlannedGuard | None = None
    simulate: PlannedSimulate | None = None
    """None where something real runs."""

    @property
    def keyed_contexts(self) -> list[tuple[str, PlannedContext]]:
        """Every context after what its keys begin with in the file: "" where it is the only one, "context[1]." """
        return [(f"context[{n}]." if len(self.contexts) > 1 else "", context) for n, context in enumerate(self.contexts)]

    @property
    def feeds(self) -> Iterator[tuple[str, PlannedFeed]]:
        """Every feed and its key in the file."""
        for prefix, context in self.keyed_contexts:
            yield from ((f"{prefix}scheme[{feed.scheme}].goals[{feed.goal}].feed", feed) for feed in context.feeds)
