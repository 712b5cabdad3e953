"""Every wrong input gives one clear line and its exit code, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import Finished, Program

SLEEPER = """
    version = 1
    name = "sleeper"
    [[target]]
    command = ["sleep", "30"]
    [monitoring]
    sample = "50ms"
    aggregation = "100ms"
    [record]
    duration = "1s"
"""


def one_line(done: Finished, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert len(done.lines) == 1, done.err
    for word in words:
        assert word in done.lines[0]


def target(text: str) -> str:
    return SLEEPER.replace('command = ["sleep", "30"]', text)


def test_pid_that_does_not_exist(damopipe: Program) -> None:
    done = damopipe("run", damopipe.pipeline(target("pid = 4194304")))
    one_line(done, 2, "4194304", "no such process")


def test_pid_of_another_user(damopipe: Program, powerless: Callable[[], None]) -> None:
    with somebody_elses_process() as pid:
        done = damopipe("run", damopipe.pipeline(target(f"pid = {pid}")), preexec_fn=powerless)
    one_line(done, 3, str(pid), "sudo")


class somebody_elses_process:
    """A process of another user: nobody's where we may start one, else the first of the system."""

    def __enter__(self) -> int:
        self.child = None
        if os.geteuid() != 0:
            return 1
        self.child = subprocess.Popen(["sleep", "60"], user=65534, group=65534, extra_groups=[])
        return self.child.pid

    def __exit__(self, *_error: object) -> None:
        if self.child:
            self.child.kill()
            self.child.wait()


def test_command_not_found(damopipe: Program) -> None:
    done = damopipe("run", damopipe.pipeline(target('command = ["no-such-program-here"]')))
    one_line(done, 2, "no-such-program-here", "not found")


def test_command_that_exits_at_once(damopipe: Program) -> None:
    done = damopipe("run", damopipe.pipeline(target('command = ["sh", "-c", "echo no config >&2; exit 3"]')))
    one_line(done, 1, "exit code 3")


def test_store_locked_by_another_process(damopipe: Program) -> None:
    pipeline = damopipe.pipeline(SLEEPER)
    with locked(damopipe.folder / "damopipe.duckdb") as pid:
        done = damopipe("run", pipeline)
    one_line(done, 1, "damopipe.duckdb", str(pid))


class locked:
    """Another process that has a DuckDB file open for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> int:
        code = f"import duckdb, time; c = duckdb.connect({str(self.path)!r}); print('open', flush=True); time.sleep(60)"
        self.child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert self.child.stdout and self.child.stdout.readline()
        return self.child.pid

    def __exit__(self, *_error: object) -> None:
        self.child.kill()
        self.child.communicate()


def test_store_from_a_newer_version(damopipe: Program) -> None:
    damopipe("run", damopipe.pipeline(SLEEPER))
    statement = "INSERT INTO schema_migration SELECT '9999_future', checksum, applied_at, '99.0' FROM schema_migration LIMIT 1"
    code = f"import duckdb; duckdb.connect('damopipe.duckdb').execute({statement!r})"
    subprocess.run([sys.executable, "-c", code], cwd=damopipe.folder, check=True)
    for arguments in (["run", "pipe.toml"], ["sql", "FROM run"], ["runs"]):
        one_line(damopipe(*arguments), 2, "damopipe.duckdb", "99.0")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small tmpfs cannot be mounted here: run as root to force it")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_disk_full(damopipe: Program, tiny_disk: Path) -> None:
    (tiny_disk / "ballast").write_bytes(bytes(2 << 20))
    done = damopipe("run", damopipe.pipeline(SLEEPER), "--store", str(tiny_disk / "s.duckdb"))
    one_line(done, 1, "s.duckdb", "space")


def test_output_folder_not_writable(damopipe: Program, powerless: Callable[[], None]) -> None:
    folder = damopipe.folder / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    done = damopipe("run", damopipe.pipeline(SLEEPER), "--out", "closed", preexec_fn=powerless)
    one_line(done, 2, "closed", "--out")
    assert not (damopipe.folder / "damopipe.duckdb").exists()


def test_sql_error_in_an_output_does_not_stop_the_others(damopipe: Program) -> None:
    outputs = """
        [[output]]
        sql = "SELECT no_such_column FROM working_set"
        file = "bad.csv"
        [[output]]
        sql = "FROM working_set"
        file = "good.csv"
    """
    done = damopipe("run", damopipe.pipeline(SLEEPER + outputs))
    assert done.code == 1
    assert "no_such_column" in done.out + done.err
    assert (damopipe.folder / "damopipe-runs/sleeper-1/good.csv").read_text().count("\n") > 2
    assert not (damopipe.folder / "damopipe-runs/sleeper-1/bad.csv").exists()


def interrupt(running: subprocess.Popen[str], number: int, times: int) -> tuple[str, str]:
    """Waits for the run to begin, sends the signal so often, each after the one before was answered."""
    assert running.stderr
    said = ""
    try:
        for awaited in ("run 1: sleeper", "again to skip")[:times]:
            while awaited not in said:
                said += running.stderr.readline()
                assert running.poll() is None, said
            time.sleep(0.7)
            running.send_signal(number)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()  # a run that does not end must not outlive its test
    return out, said + err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_keeps_all_and_makes_outputs(damopipe: Program, number: signal.Signals) -> None:
    output = '\n[[output]]\nsql = "FROM working_set"\nfile = "ws.csv"\n'
    running = damopipe.start("run", damopipe.pipeline(SLEEPER.replace("1s", "60s") + output))
    _out, err = interrupt(running, number, times=1)
    assert running.returncode == 128 + number, err
    assert run_states(damopipe) == ["interrupted"]
    assert (damopipe.folder / "damopipe-runs/sleeper-1/ws.csv").read_text().count("\n") > 3


def test_ctrl_c_twice_leaves_out_the_outputs(damopipe: Program) -> None:
    output = '\n[[output]]\nsql = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 3"'
    output += '\nfile = "endless.csv"\n'
    running = damopipe.start("run", damopipe.pipeline(SLEEPER.replace("1s", "60s") + output))
    _out, err = interrupt(running, signal.SIGINT, times=2)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "left out" in err
    assert run_states(damopipe) == ["interrupted"]
    assert not (damopipe.folder / "damopipe-runs/sleeper-1/endless.csv").exists()


def run_states(damopipe: Program) -> list[str]:
    """The status of every run that has snapshots."""
    kept = damopipe("sql", "--format", "csv", "SELECT DISTINCT run_id, status FROM run JOIN snapshot USING (run_id)")
    return [line.split(",")[1] for line in kept.out.splitlines()[1:]]


def test_ctrl_c_ends_the_command_that_was_started(damopipe: Program) -> None:
    text = SLEEPER.replace("1s", "60s").replace('"30"', '"31.4159"')
    running = damopipe.start("run", damopipe.pipeline(text))
    assert running.stderr
    while "run 1: sleeper" not in running.stderr.readline():
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert b"sleep\x0031.4159\x00" not in commands
