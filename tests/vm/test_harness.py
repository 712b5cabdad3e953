"""The harness itself: what a guest runs, sees, and cannot reach."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from .conftest import Pool, VmWith
from .errors import TimedOut, VmError
from .guest import Guest
from .kernels import Kernel
from .machine import CHECKOUT, Options

DAMON = Path("/sys/kernel/mm/damon/admin/kdamonds")


def test_a_command_gives_its_status_and_output(vm: Guest) -> None:
    done = vm.run("echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    with pytest.raises(VmError, match="exit status 7\nout\nerr"):
        done.check()


def test_the_kernel_is_the_one_claimed(vm: Guest) -> None:
    assert vm.run(["uname", "-r"]).stdout.startswith(f"{vm.kernel.key}.")


def test_words_and_environment_arrive_as_they_are(vm: Guest) -> None:
    done = vm.run(["sh", "-c", 'printf "%s|" "$@" "$WHO" "$DAMOPIPE_VM"', "sh", "a b", "c'd", "$e"], env={"WHO": "q'\" ü\nz"})
    assert done.stdout == "a b|c'd|$e|q'\" ü\nz|1|"


def test_files_go_both_ways_through_the_share(vm: Guest) -> None:
    (vm.share / "in").write_bytes(bytes(range(256)) * 4096)
    assert vm.run("cmp in copy 2>/dev/null || cp in copy; pwd").stdout.strip() == str(vm.share)
    assert (vm.share / "copy").read_bytes() == bytes(range(256)) * 4096
    assert vm.run("pwd", cwd=Path("/tmp")).stdout == "/tmp\n"


def test_a_command_out_of_time_is_killed_with_all_it_started(vm: Guest) -> None:
    job = vm.start("setsid sleep 1000 & echo begun; echo $! > pid; sleep 1000")
    job.wait_for("begun")
    with pytest.raises(TimedOut, match=r"killed after 0.5 s; its output so far:\nbegun"):
        job.wait(0.5)
    assert vm.run(f"kill -0 {(vm.share / 'pid').read_text()}").returncode != 0


def test_commands_run_side_by_side_and_are_signalled_alone(vm: Guest) -> None:
    first, second = (vm.start("trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.1; done") for _ in range(2))
    first.wait_for("ready")
    second.wait_for("ready")
    first.send_signal(signal.SIGTERM)
    assert (first.wait().returncode, first.stdout) == (5, "ready\ncaught\n")
    assert second.running
    second.send_signal(signal.SIGKILL)
    assert second.wait().returncode == 128 + signal.SIGKILL


def test_ctrl_c_is_not_ignored(vm: Guest) -> None:
    """A shell starts what it runs in the background with SIGINT ignored, and Python keeps that."""
    job = vm.start([vm.python, "-S", "-E", "-c", "import time; print('ready', flush=True); time.sleep(1000)"])
    job.wait_for("ready")
    job.send_signal(signal.SIGINT)
    done = job.wait(10)
    assert done.returncode == 128 + signal.SIGINT and "KeyboardInterrupt" in done.stderr
    assert int(vm.run("grep SigIgn /proc/self/status").stdout.split()[1], 16) == 0


def test_an_orphan_is_reaped(vm: Guest) -> None:
    vm.run("(setsid sh -c 'echo $$ > orphan; exec sleep 0.3' &) ; sleep 0.2").check()
    orphan = (vm.share / "orphan").read_text().strip()
    assert vm.run(f"sleep 1; test -e /proc/{orphan}").returncode == 1


def test_memory_nodes_swap_and_kernel_arguments_can_be_chosen(vm_with: VmWith) -> None:
    vm = vm_with(numa=2, swap_mb=64, args="damon_stat.enabled=Y")
    assert vm.run("cat /sys/devices/system/node/online").stdout == "0-1\n"
    assert vm.run("cat /sys/devices/system/node/node1/cpulist").stdout == "\n"
    assert "/dev/nvme0n1" in vm.run("cat /proc/swaps").stdout
    stat = vm.run("cat /sys/module/damon_stat/parameters/enabled").stdout
    assert stat == ("" if vm.kernel.key == "6.12" else "Y\n")  # 6.12 has none


def test_cgroup2_and_psi(vm: Guest) -> None:
    vm.run("grep -w memory /sys/fs/cgroup/cgroup.controllers && grep some /proc/pressure/memory").check()


def test_damon_can_be_written(vm: Guest) -> None:
    done = vm.run(
        f"echo 1 > {DAMON}/nr_kdamonds && cat {DAMON}/nr_kdamonds {DAMON}/0/state; echo 0 > {DAMON}/nr_kdamonds"
    ).check()
    assert done.stdout == "1\noff\n"


def test_the_guest_has_its_own_sys_and_proc(vm: Guest) -> None:
    seen = vm.run("cat /proc/sys/kernel/random/boot_id; stat -f -c %T /proc /sys /sys/kernel/tracing").check().stdout.split()
    assert seen[0] != Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert seen[1:] == ["proc", "sysfs", "tracefs"]
    beneath = vm.run("umount -l /sys && umount -l /proc && ls -A /sys /proc; mount -t proc proc /proc; mount -t sysfs sys /sys")
    vm.run("mount -t tracefs trace /sys/kernel/tracing; mount -t cgroup2 cgroup /sys/fs/cgroup")
    assert beneath.stdout == "/proc:\n\n/sys:\n"


def test_the_files_of_the_machine_cannot_be_written(vm: Guest) -> None:
    for where in (CHECKOUT, Path(vm.python).parent, Path("/usr"), Path("/")):
        done = vm.run(f"touch '{where}/written-by-the-guest'")
        assert "Read-only file system" in done.stderr
        assert not (where / "written-by-the-guest").exists()
    assert vm.run("mount -o remount,rw / && touch /written-by-the-guest").returncode != 0
    assert not Path("/written-by-the-guest").exists()


def test_the_python_of_the_tests_is_there_with_its_packages(vm: Guest) -> None:
    code = "import numpy, duckdb; print(numpy.arange(4).sum(), duckdb.connect().execute('SELECT 42').fetchall())"
    assert vm.run([vm.python, "-c", code]).check().stdout == "6 [(42,)]\n"


def test_damopipe_runs_from_the_checkout(vm: Guest) -> None:
    assert vm.damopipe("--version").check().stdout.strip()


def test_a_test_that_fails_half_way_leaves_damon_as_it_was(kernel: Kernel, pool: Pool) -> None:
    shared = pool.get(Options(kernel), set())
    with shared.view("half-way") as vm:
        job = vm.start("sleep 1000")
        vm.run(f"cd {DAMON} && echo 1 > nr_kdamonds && cd 0 && echo 1 > contexts/nr_contexts && cd contexts/0 && "
               f"echo vaddr > operations && echo 1 > targets/nr_targets && echo {job.pid} > targets/0/pid_target && "
               "echo on > ../../state && mkdir /sys/kernel/tracing/instances/x").check()  # fmt: skip
    assert shared.run(f"cat {DAMON}/nr_kdamonds; ls /sys/kernel/tracing/instances").check().stdout == "0\n"
    assert shared.run(f"kill -0 {job.pid}").returncode != 0
    assert not vm.share.exists()
