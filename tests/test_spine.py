"""The spine: a program that nobody here wrote → procfs → store → charts, and what comes back is what was there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from damopipe.store import Store
from tests.program import Program

SORT = """
import array, time
data = array.array("Q", range(4_000_000))      # 32 MB
end = time.time() + 2.5
while time.time() < end:
    data.reverse()
"""


def test_a_program_of_a_known_size_is_watched_by_command(damopipe: Program) -> None:
    (damopipe.folder / "sort.py").write_text(SORT)
    name = damopipe.pipeline(f"""
        version = 1
        name = "sort"
        [params]
        most = "1024"
        [[target]]
        command = [{json.dumps(sys.executable)}, "sort.py"]
        [monitoring]
        sample = "100ms"
        aggregation = "300ms"
        [record]
        also = ["process", "mappings", "system"]
        [[output]]
        chart = "heatmap"
        file = "heatmap.svg"
        options = {{ time_bins = 50, addr_bins = 50 }}
        [[output]]
        chart = "wss_over_time"
        file = "wss.json"
        [[output]]
        sql = "SELECT median(accessed_bytes) AS median FROM working_set"
        file = "median.csv"
        [[check]]
        name = "not more than is allowed"
        sql = "FROM working_set WHERE accessed_bytes > ${{most}} * 1024^2"
    """)
    done = damopipe("run", name, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["status"], result["end_reason"], result["run_id"]) == ("complete", "target ended", 1)

    folder = damopipe.folder / "damopipe-runs" / "latest"
    assert sorted(path.name for path in folder.iterdir()) == ["heatmap.svg", "median.csv", "wss.json"]
    median = float((folder / "median.csv").read_text().split()[1])
    assert 32e6 <= median <= 32e6 * 1.05 + 4e6, "the array, and what the interpreter touches"

    store = Store(damopipe.folder / "damopipe.duckdb")
    check_what_was_stored(store)
    again = damopipe("run", name, "--set", "most=1")
    assert again.code == 4 and "not more than is allowed" in again.out
    assert store.query("SELECT result FROM check_result ORDER BY run_id").rows == [("pass",), ("fail",)]


def check_what_was_stored(store: Store) -> None:
    def count(sql: str) -> int:
        return int(store.query(f"SELECT count(*) FROM {sql}").rows[0][0])

    assert count("snapshot") >= 4
    assert count("snapshot AS s WHERE nr_regions <> (SELECT count(*) FROM region AS r WHERE r.ts = s.ts)") == 0
    assert count("region JOIN snapshot USING (run_id, target_id, ts) WHERE nr_accesses > nr_samples") == 0
    assert count("region WHERE referenced_bytes > size_bytes OR (nr_accesses = 0) <> (referenced_bytes = 0)") == 0
    overlapping = "(SELECT end_addr > lead(start_addr) OVER (PARTITION BY run_id, ts ORDER BY start_addr) AS bad FROM region)"
    assert count(f"{overlapping} WHERE bad") == 0
    assert count("process WHERE role = 'target' AND rss_bytes > 30e6") >= 4
    assert count("mapping WHERE name LIKE '%python%'") > 0
    assert count("counter WHERE name LIKE 'meminfo.%'") > 0
    (run,) = store.query("SELECT status, git_commit, plan.name::VARCHAR, kernel IS NOT NULL FROM run").rows
    assert run == ("complete", None, '"sort"', True)


def test_runs_can_be_listed_shown_tagged_and_deleted(damopipe: Program, tmp_path: Path) -> None:
    text = (
        'version = 1\nname = "short"\n[[target]]\ncommand = ["sleep", "9"]\n[monitoring]\nsample = "50ms"\naggregation = "50ms"\n'
    )
    name = damopipe.pipeline(text + '[record]\nduration = "200ms"\n')
    for _ in range(2):
        assert damopipe("run", name).code == 0
    assert [run["status"] for run in json.loads(damopipe("runs", "--json").out)] == ["complete", "complete"]
    assert damopipe("runs", "tag", "1", "first").code == 0
    assert "short" in damopipe("runs", "show", "first").out
    assert damopipe("runs", "delete", "latest").code == 0
    assert [run["tag"] for run in json.loads(damopipe("runs", "list", "--json").out)] == ["first"]
    assert damopipe("runs", "show", "frist").lines == [
        "damopipe: damopipe.duckdb: no run is called 'frist'; did you mean 'first'?"
    ]
