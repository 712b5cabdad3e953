"""What the machine has: DAMON and who uses it, permissions, and what schemes depend on.

Reads only, and works without root, saying what it could not see.
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe import units
from damopipe.doctor.findings import WITHOUT_ROOT, Finding
from damopipe.kernel import conditions, in_use
from damopipe.kernel.features import Features
from damopipe.kernel.machine import Machine

_OPERATIONS = ("vaddr", "fvaddr", "paddr")
SNAPSHOTS = '[record] regions = "1s" takes snapshots without it'


def look(machine: Machine, features: Features) -> tuple[Finding, ...]:
    """Everything but the features themselves, most important first."""
    return (
        _damon(machine, features),
        *_in_use(machine),
        _permission(machine),
        _tracefs(machine),
        _swap(machine),
        _huge_pages(machine),
        _cgroups(machine),
        _pressure(machine),
        _nodes(machine),
    )


def _damon(machine: Machine, features: Features) -> Finding:
    if not machine.damon.is_dir():
        return _no_damon(machine, features.release)
    there = [name for name in _OPERATIONS if name in features]
    absent = [name for name in _OPERATIONS if name not in features]
    if absent:
        return Finding("DAMON", "note", f"built in with {', '.join(there) or 'no operations set'}, without {', '.join(absent)}")
    return Finding("DAMON", "ok", f"built in, with {', '.join(there)}")


def _no_damon(machine: Machine, release: str) -> Finding:
    if not (machine.sys / "kernel").is_dir():
        return Finding("DAMON", "unknown", f"{machine.sys} shows nothing of the kernel", "mount sysfs: mount -t sysfs sys /sys")
    wanted = "boot a kernel with CONFIG_DAMON_SYSFS, CONFIG_DAMON_VADDR and CONFIG_DAMON_PADDR"
    config = conditions.kernel_config(machine, release)
    if config is None:
        advice = f"{wanted}; grep DAMON /boot/config-$(uname -r) or /proc/config.gz would show how this one was built"
        return Finding("DAMON", "missing", "not in this kernel: there is no /sys/kernel/mm/damon", advice)
    on = sorted(name for name, value in config.items() if value == "y")
    built = f"built with {', '.join(on)} only" if on else "built without CONFIG_DAMON"
    return Finding("DAMON", "missing", f"not in this kernel: it was {built}", wanted)


def _in_use(machine: Machine) -> Iterator[Finding]:
    try:
        users = in_use.users(machine)
    except PermissionError:
        yield _in_use_from_outside(machine)
        return
    for user in users:
        yield Finding("in use", "missing", f"{user.what} is not ours", _stop(user))
    if not users and machine.damon.is_dir():
        yield Finding("in use", "ok", "nobody uses DAMON")


def _in_use_from_outside(machine: Machine) -> Finding:
    """What anybody can see: the folders of kdamonds, and their threads."""
    pids = conditions.kdamond_pids(machine)
    if pids:
        shown = ", ".join(f"pid {pid}" for pid in pids)
        return Finding("in use", "missing", f"a kdamond runs ({shown}); whose it is, is {WITHOUT_ROOT}", "sudo damopipe doctor")
    return Finding("in use", "unknown", f"no kdamond runs; what is set up is {WITHOUT_ROOT}")


def _stop(user: in_use.User) -> str:
    if user.kind == "module":
        return f"echo N | sudo tee /sys/module/{user.name}/parameters/enabled, or damopipe run --takeover"
    return "stop it with the tool that started it" if user.is_running else "remove it with the tool that set it up"


def _permission(machine: Machine) -> Finding:
    if not machine.damon.is_dir():
        who = "root" if conditions.is_root() else "not root"
        return Finding("permission", "ok", f"{who}; there is no DAMON that it would matter for")
    if conditions.can_drive(machine):
        held = ", ".join(conditions.capabilities(machine))
        return Finding("permission", "ok", "may drive DAMON: " + ("root" if conditions.is_root() else held))
    if conditions.is_root():
        text = "root, but may not write DAMON's files: /sys is read-only here, as in a container"
        return Finding("permission", "missing", text, "run on the host, or mount sysfs read-write")
    advice = "sudo damopipe run FILE; commands run as you, and what is written is yours"
    return Finding("permission", "missing", "not root: DAMON's files are root's alone", advice)


def _tracefs(machine: Machine) -> Finding:
    state = conditions.tracefs(machine)
    if state == "ready":
        return Finding("tracefs", "ok", "mounted: every aggregation can be recorded")
    if state == "not visible":
        return Finding("tracefs", "unknown", WITHOUT_ROOT)
    if state == "not mounted":
        advice = f"sudo mount -t tracefs tracefs {machine.tracing}; {SNAPSHOTS}"
        return Finding("tracefs", "note", "not mounted: aggregations cannot be recorded, only snapshots", advice)
    if state == "without DAMON":
        return Finding("tracefs", "note", "without DAMON's tracepoints: only snapshots can be recorded", SNAPSHOTS)
    return Finding("tracefs", "note", "may not be written: only snapshots can be recorded", SNAPSHOTS)


def _swap(machine: Machine) -> Finding:
    swaps = conditions.swaps(machine)
    if swaps is None:
        return Finding("swap", "unknown", "/proc/swaps cannot be read")
    if not swaps:
        return Finding("swap", "note", "none: pageout reaches files only", "add swap, for instance zram")
    total, used = sum(swap.size_bytes for swap in swaps), sum(swap.used_bytes for swap in swaps)
    names = ", ".join(swap.name for swap in swaps)
    return Finding("swap", "ok", f"{units.approx_bytes(total)}, {units.approx_bytes(used)} of it used ({names})")


def _huge_pages(machine: Machine) -> Finding:
    mode = conditions.thp_mode(machine)
    about = "huge pages"
    if mode is None:
        return Finding(about, "note", "no transparent huge pages in this kernel: hugepage and collapse do nothing")
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    if mode == "never":
        return Finding(about, "note", "never: hugepage schemes do nothing", f"echo madvise | sudo tee {path}")
    if mode == "always":
        text = "always: the kernel makes them wherever it can, so that a hugepage scheme changes little"
        return Finding(about, "note", text, f"echo madvise | sudo tee {path}, to see what a scheme does")
    return Finding(about, "ok", f"{mode}: only where a program or a scheme asks for them")


def _cgroups(machine: Machine) -> Finding:
    has = conditions.has_memory_cgroups(machine)
    if has is None:
        return Finding("memory cgroups", "note", "cgroup v2 is not mounted: no cgroup can be a target, a filter or a goal")
    if not has:
        return Finding("memory cgroups", "note", "cgroup v2 without the memory controller: no memcg filters or goals")
    return Finding("memory cgroups", "ok", "cgroup v2 with the memory controller")


def _pressure(machine: Machine) -> Finding:
    if conditions.has_pressure(machine):
        return Finding("memory pressure", "ok", "accounted for: goals can aim at it")
    return Finding("memory pressure", "note", "not accounted for: some_mem_psi_us goals see nothing", "boot with psi=1")


def _nodes(machine: Machine) -> Finding:
    nodes = conditions.memory_nodes(machine)
    if nodes is None:
        return Finding("NUMA nodes", "unknown", "/sys does not say")
    if len(nodes) == 1:
        return Finding("NUMA nodes", "ok", "one with memory: there is nowhere to migrate to")
    return Finding("NUMA nodes", "ok", f"{len(nodes)} with memory: {', '.join(map(str, nodes))}")
