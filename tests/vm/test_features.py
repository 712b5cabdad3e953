"""On the claimed kernels themselves: what is found by reading is true, and the captured files are what they show."""

from __future__ import annotations

import json

from damopipe.kernel.features import of_version
from tests import abi

from .guest import Guest

STAGE = """
import json, sys
from damopipe.kernel import feature_evidence, features, fs
from damopipe.kernel.machine import Machine
machine = Machine()
counts = json.loads(sys.argv[1])
before = features.find(machine)
fs.write(str(machine.kdamonds / "nr_kdamonds"), "1")
try:
    for path in counts:
        fs.write(str(machine.kdamonds / "0" / path), "1")
    paths = [path for path in feature_evidence.tree(machine.kdamonds / "0") if (machine.kdamonds / "0" / path).is_file()]
    found = [before, features.find(machine), features.of_tree(paths, machine)]
finally:
    fs.write(str(machine.kdamonds / "nr_kdamonds"), "0")
print(json.dumps({"paths": paths, "found": [sorted(one.names) for one in found], "how": dict(before.how)}))
"""


def test_features_are_found_and_captured_trees_are_true(vm: Guest) -> None:
    """Before a kdamond exists, with one that has one of everything, and from that one's files alone."""
    captured = abi.tree(vm.kernel.key)
    counts = sorted((path for path, text in captured.items() if _is_count(path, text)), key=lambda path: path.count("/"))
    done = vm.run([vm.python, "-c", STAGE, json.dumps(counts)]).check()
    shown = json.loads(done.stdout)
    assert set(shown["paths"]) == captured.keys()
    expected = sorted(of_version(vm.kernel.key).names)
    assert shown["found"] == [expected] * 3
    assert set(shown["how"].values()) == {"symbol", "event", "module", "version"}


def test_doctor_with_and_without_root(vm: Guest) -> None:
    root = json.loads(vm.damopipe("doctor", "--json").check().stdout)
    assert {one["about"]: one["state"] for one in root["machine"]}.items() >= {
        ("DAMON", "ok"), ("in use", "ok"), ("permission", "ok"), ("tracefs", "ok"), ("memory cgroups", "ok"),
    }  # fmt: skip
    names = [one["name"] for one in root["features"] if one["is_there"]]
    assert set(names) == of_version(vm.kernel.key).names
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups", vm.python, "-m", "damopipe", "doctor", "--json"]
    other = json.loads(vm.run(nobody).check().stdout)
    assert {one["about"]: one["state"] for one in other["machine"]}.items() >= {
        ("in use", "unknown"), ("permission", "missing"), ("tracefs", "unknown"),
    }  # fmt: skip
    assert [one["name"] for one in other["features"] if one["is_there"]] == names


def _is_count(path: str, text: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("nr_") and name.removeprefix("nr_") in _FOLDERS and text == "1"


_FOLDERS = ("contexts", "probes", "filters", "targets", "schemes", "goals", "dests")
