"""A first stretch of the fuzzing, always the same, with every run of the tests; and what was
found before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from petrostream.settings import PROJECT_ROOT
from tests.fuzz import changed_documents, fuzz_parquet
from tests.fuzz.__main__ import CRAFTED
from tests.fuzz.faults import fault_of
from tests.fuzz.isolated import stretch
from tests.fuzz.targets import DOCUMENTS, FILES, FINDINGS, TARGETS, Target

CASES = 300
BY_NAME = {target.name: target for target in TARGETS}
FOUND = [
    *((CRAFTED, path) for path in sorted((FINDINGS.parent / "poison").glob("*.parquet"))),
    *((path.parent.name, path) for path in sorted(FINDINGS.glob("*/*"))),
]


@pytest.mark.parametrize("name", [target.name for target in FILES])
def test_garbage_is_read_or_refused_in_a_sentence(name: str) -> None:
    assert stretch(name, 1, 0, CASES) == (CASES, {})


@pytest.mark.parametrize("target", DOCUMENTS, ids=lambda target: target.name)
def test_a_good_document_is_read(target: Target) -> None:
    assert target.read(target.seeds[0]) not in (None, [])


@pytest.mark.parametrize("target", DOCUMENTS, ids=lambda target: target.name)
def test_a_changed_document_is_read_or_refused_in_a_sentence(target: Target) -> None:
    cases = (target.case(number, 7) for number in range(CASES // 2))
    assert [fault for data in cases if (fault := fault_of(target.read, data))] == []


@pytest.mark.parametrize(("name", "path"), FOUND, ids=lambda each: getattr(each, "name", each))
def test_what_was_found_once_is_refused(name: str, path: Path) -> None:
    data = path.read_bytes()
    if name == CRAFTED:
        assert fuzz_parquet.fault_of(data) == ""
    else:
        assert fault_of(BY_NAME[name].read, data) == ""


def test_a_careless_reader_is_found_out() -> None:
    careless = Target(
        "careless",
        (b'{"start": 1}',),
        lambda data: json.loads(data)["start"] + 1,
        changed_documents.changed,
    )
    faults = {
        fault_of(careless.read, careless.case(number, 1)).partition(":")[0] for number in range(500)
    }
    assert {"JSONDecodeError", "RecursionError", "KeyError"} <= faults


def test_a_case_is_always_the_same() -> None:
    for target in TARGETS:
        assert target.case(7, 1) == target.case(7, 1)
        assert len({target.case(number, 1) for number in range(20)}) > 10


def test_a_run_without_findings_keeps_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds=0.1", "--only=batch-key"]
    done = subprocess.run(
        [*command, f"--keep={tmp_path}"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "batch-key: 1000 cases, 0 findings\n")
    assert list(tmp_path.iterdir()) == []
