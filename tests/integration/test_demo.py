"""`make demo`: one command, one line of JSON, nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from petrostream.ingest.recordings import Recording
from petrostream.settings import PROJECT_ROOT, read_stack, state_folder, variable

KEYS = [
    "recordings", "batches", "rows_read", "rows_commissioning", "rows_scored", "rows_unscorable",
    "anomalies", "events", "dead_letters", "quarantined", "seconds",
]  # fmt: skip


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def ours() -> list[psutil.Process]:
    """Processes that this test's stack started and that still run."""
    mine = os.environ[variable("state")]
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable("state")) == mine and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_ends_by_itself_with_counts_that_add_up(
    wells: Path, recordings: list[Recording]
) -> None:
    result = demo("--no-dashboard", f"--data={wells}")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert list(found) == KEYS
    assert found["recordings"] == len(recordings)
    assert found["rows_read"] == sum(recording.rows for recording in recordings)
    assert found["rows_read"] == (
        found["rows_commissioning"] + found["rows_scored"] + found["rows_unscorable"]
    )
    assert found["rows_commissioning"] == sum(
        int((recording.microseconds < recording.microseconds[0] + 900_000_000).sum())
        for recording in recordings
    )
    assert found["anomalies"] > 0 and found["events"] > 0
    assert found["dead_letters"] == found["quarantined"] == 0
    assert not state_folder().exists() and not ours()
    again = json.loads(demo("--no-dashboard", f"--data={wells}").stdout.splitlines()[-1])
    assert {**again, "seconds": 0} == {**found, "seconds": 0}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--data=/nowhere/at/all"], "there is no folder /nowhere/at/all"),
        (["--data=EMPTY"], "holds no recording"),
        (["--speed=slow"], "neither a positive number nor 'max'"),
        (["--limit=0"], "above 0"),
        (["--dashboard-port=BUSY"], "is busy"),
        (["--no-dashboard", "--aws-port=BUSY"], "is busy"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_code_2(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        filled = [
            argument.replace("EMPTY", str(empty)).replace("BUSY", str(taken.getsockname()[1]))
            for argument in arguments
        ]
        result = demo(*filled)
    assert result.returncode == 2
    assert reason in result.stderr
    assert "Traceback" not in result.stderr
    assert not state_folder().exists() and not ours()


def test_files_that_could_not_be_read_are_named_where_training_fails(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    damaged = tmp_path / "0" / "WELL-00001_20170201010207.parquet"
    damaged.write_bytes(b"no Parquet")
    result = demo("--no-dashboard", f"--data={tmp_path}")
    assert result.returncode == 2
    assert f"not read: {damaged}: it can't be read as Parquet" in result.stderr
    assert not state_folder().exists() and not ours()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_a_dashboard_and_an_interrupt_stops_all_of_it(
    wells: Path, ending: signal.Signals
) -> None:
    port = free_port()
    arguments = ["--limit=1", f"--data={wells}", "--speed=max", f"--dashboard-port={port}"]
    with subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments],
        cwd=PROJECT_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C ends the demo" in line:
                break
        wait_for_page(port)
        assert (read_stack() or {})["processes"].keys() == {
            *("server", "worker", "dashboard", "evaluation")
        }
        process.send_signal(ending)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 0, "".join(said) + rest
    assert "everything is stopped" in rest
    assert not state_folder().exists() and not ours()


def wait_for_page(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "the dashboard does not answer"
            time.sleep(0.1)


def test_an_interrupt_in_the_middle_stops_all_of_it(wells: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--no-dashboard", f"--data={wells}", "--speed=60"],
        cwd=PROJECT_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "demo: replaying" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "Traceback" not in rest
    assert not state_folder().exists() and not ours()
