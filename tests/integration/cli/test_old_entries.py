"""The ways in from before `petrostream` still work, and say and give back the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from petrostream.settings import PROJECT_ROOT

PRODUCER = str(PROJECT_ROOT / "producer" / "producer.py")


def run(
    *arguments: str, folder: Path = PROJECT_ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def python(*arguments: str, folder: Path = PROJECT_ROOT) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, *arguments, folder=folder)


@pytest.mark.parametrize(
    ("arguments", "verbs"),
    [
        (["-m", "producer"], ["replay", "synthesise", "fetch"]),
        ([PRODUCER], ["replay", "synthesise", "fetch"]),
        (
            ["-m", "ml"],
            [
                *("train", "evaluate", "publish", "limits", "drift", "recommission", "rollback"),
                *("list", "annotations"),
            ],
        ),
        (["-m", "deploy"], ["up", "down", "status", "repair", "powerbi"]),
    ],
)
def test_groups_know_their_verbs(arguments: list[str], verbs: list[str]) -> None:
    for verb in verbs:
        shown = python(*arguments, verb, "--help")
        assert shown.returncode == 0, shown.stderr
        assert f"petrostream {verb}" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [["demo", "--no-dashboard", "--limit=0"], ["dashboard", "--port=0"], ["ml", "list"],
     ["deploy", "up", "--plan"], ["producer", "replay"], ["cli", "list"]],
)  # fmt: skip
def test_what_has_to_be_put_right_is_code_2(arguments: list[str]) -> None:
    ended = python("-m", *arguments)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: ")


def test_the_producers_script_works_from_anywhere(tmp_path: Path) -> None:
    made = python(PRODUCER, "synthesise", "--wells=1", "--hours=1", "--into=made", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("1 recordings, ")
    assert len(list((tmp_path / "made").rglob("*.parquet"))) == 1


@pytest.mark.parametrize(("script", "verb"), [("project_up.sh", "up"), ("project_down.sh", "down")])
def test_the_projects_scripts_call_it(tmp_path: Path, script: str, verb: str) -> None:
    shutil.copy2(PROJECT_ROOT / script, tmp_path)
    for name, text in (("bin/make", "exit 0"), (".venv/bin/petrostream", 'echo "$@"')):
        stand_in = tmp_path / name
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.write_text(f"#!/bin/sh\n{text}\n")
        stand_in.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    ended = run(str(tmp_path / script), "--yes", folder=Path("/"), PATH=path)
    assert (ended.returncode, ended.stdout) == (0, f"{verb} --target aws --yes\n")
    chosen = run(str(tmp_path / script), folder=Path("/"), PATH=path, TARGET="local")
    assert chosen.stdout == f"{verb} --target local\n"
