"""What the system refuses is a sentence that names the file, and a code: no room, no folder, no
right, nowhere to write the answer. Every verb that writes is tried in a process of its own.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from petrostream.settings import PROJECT_ROOT, variable

FULL = Path("/dev/full")
FORBIDDEN = Path("/sys/petrostream")
"""Not even root can make a folder there."""

WRITING = {
    "up": ["cli", "up", "--provision=python"],
    "demo": ["cli", "demo", "--no-dashboard"],
    "replay --now": ["cli", "replay", "{wells}", "--speed=max", "--now", "--limit=1"],
    "train": [
        *("cli", "train", "{wells}", "--trees=2"),
        *("--no-publish", "--no-evaluation"),
    ],
    "synthesise": ["cli", "synthesise", "--into={state}/wells", "--wells=1", "--hours=1"],
    "python -m petrostream.local up": ["petrostream.local", "up"],
}
"""These write into the state folder, or into one that they are told."""

LOOKING = {
    "down": ["cli", "down"],
    "status": ["cli", "status"],
    "python -m petrostream.local down": ["petrostream.local", "down"],
}
"""These look for what is there."""


def no_room() -> None:
    """Let no file grow, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def run(
    arguments: list[str],
    state: Path,
    wells: Path,
    begin: Callable[[], None] | None = None,
    output: Any = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    filled = [each.format(state=state, wells=wells) for each in arguments]
    return subprocess.run(
        [sys.executable, "-m", *filled],
        check=False,
        cwd=PROJECT_ROOT,
        env={**os.environ, variable("state"): str(state)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        preexec_fn=begin,
        text=True,
        timeout=120,
    )


def is_a_sentence(said: subprocess.CompletedProcess[str], *words: str) -> bool:
    *_, last = said.stderr.splitlines()
    return (
        "Traceback" not in said.stderr
        and last.startswith("error: ")
        and all(word in last for word in words)
    )


@pytest.mark.parametrize(
    ("name", "within"),
    [
        *((name, False) for name in [*WRITING, *LOOKING]),
        *((name, True) for name in ("up", "replay --now", "down")),
    ],
)
def test_a_state_folder_that_is_a_file_is_said(
    provisioned: Any, wells: Path, tmp_path: Path, name: str, within: bool
) -> None:
    file = tmp_path / "file"
    file.write_text("somebody's own")
    state = file / "state" if within else file
    said = run((WRITING | LOOKING)[name], state, wells)
    assert is_a_sentence(said, str(state)), said.stderr
    assert said.returncode == 2
    assert file.read_text() == "somebody's own"


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.skipif(not FORBIDDEN.parent.is_dir(), reason="there is no such file system")
def test_a_state_folder_that_may_not_be_made_is_said(
    provisioned: Any, wells: Path, name: str
) -> None:
    said = run(WRITING[name], FORBIDDEN, wells)
    assert is_a_sentence(said, str(FORBIDDEN)), said.stderr
    assert said.returncode == 2


@pytest.mark.parametrize("name", WRITING)
def test_a_full_disk_is_said(provisioned: Any, wells: Path, tmp_path: Path, name: str) -> None:
    state = tmp_path / "full"
    state.mkdir()
    said = run(WRITING[name], state, wells, no_room)
    assert is_a_sentence(said, str(state), "ile too large"), said.stderr
    assert said.returncode == 2
    left = [path for path in state.rglob("*") if path.is_file() and path.stat().st_size]
    assert not left
    assert run(LOOKING["down"], state, wells).returncode == 0, "what was begun can be taken down"


def test_terraforms_folder_on_a_full_disk_is_said(tmp_path: Path, wells: Path) -> None:
    said = run(["cli", "up", "--provision=terraform"], tmp_path, wells, no_room)
    assert "Traceback" not in said.stderr
    assert said.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["cli", "--help"],
        ["cli", "--version"],
        ["cli", "completion", "bash"],
        ["cli", "status"],
        ["cli", "status", "--json"],
        ["cli", "replay", "{wells}", "--speed=max", "--limit=1", "--json"],
        ["cli", "annotations"],
        ["cli", "annotations", "--into=/dev/full"],
        ["cli", "synthesise", "--into={state}/wells", "--wells=1", "--hours=1"],
        ["petrostream.local", "status"],
    ],
    ids=" ".join,
)
@pytest.mark.skipif(not FULL.exists(), reason="there is no such device")
def test_an_answer_that_can_not_be_written_is_said(
    provisioned: Any, wells: Path, tmp_path: Path, arguments: list[str]
) -> None:
    with FULL.open("w") as full:
        said = run(arguments, tmp_path / "state", wells, output=full)
    assert is_a_sentence(said, "can't be written: no space left on device"), said.stderr
    assert said.returncode == (2 if "--into=/dev/full" in arguments else 1)


@pytest.mark.skipif(not FULL.exists(), reason="there is no such device")
def test_where_nobody_can_be_told_the_code_still_says_it(tmp_path: Path, wells: Path) -> None:
    def complain_nowhere() -> None:
        os.dup2(os.open(FULL, os.O_WRONLY), 2)

    assert run(["cli", "list"], tmp_path, wells, complain_nowhere).returncode == 2
    with FULL.open("w") as full:
        assert run(["cli", "status"], tmp_path, wells, complain_nowhere, full).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code"), [(["cli", "status"], 0), (["cli", "--help"], 0), (["cli", "list"], 2)]
)
def test_streams_that_are_not_there_lead_nowhere(
    tmp_path: Path, wells: Path, arguments: list[str], code: int
) -> None:
    said = run(arguments, tmp_path, wells, lambda: os.closerange(0, 3))
    assert said.returncode == code


def test_a_full_disk_leaves_the_old_stack_file(tmp_path: Path) -> None:
    program = (
        "import resource\n"
        "from petrostream.settings import read_stack, write_stack\n"
        "write_stack({'environment': {'A': 'b'}})\n"
        "old = read_stack()\n"
        "assert old['environment'] == {'A': 'b'}\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\n"
        "try:\n"
        "    write_stack({'environment': {'A': 'c' * 100}})\n"
        "except OSError as error:\n"
        "    print(error.filename)\n"
        "assert read_stack() == old\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        cwd=PROJECT_ROOT,
        env={**os.environ, variable("state"): str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip() == str(tmp_path / "local.json")
    assert [path.name for path in tmp_path.iterdir()] == ["local.json"]
