"""Processes that outlive the command that starts them: start one, find it again, stop it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import psutil

from petrostream.errors import ServiceUnavailable
from petrostream.settings import PROJECT_ROOT, state_folder

_STOP_SECONDS: Final = 10.0


def spawn(
    module: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start ``python -m <module>`` in a session of its own, its output in a log file."""
    with log.open("ab") as sink:
        return spawn_into(module, sink, sink, environment)


def spawn_into(
    module: Sequence[str],
    errors: IO[bytes],
    output: IO[bytes] | int,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """The same, with standard error and standard output as `subprocess.Popen` takes them."""
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )


def identity_of(pid: int) -> dict[str, float]:
    """What tells a process from a later one that got the same number.

    Raises
    ------
    ServiceUnavailable
        If it has ended.
    """
    try:
        return {"pid": pid, "created": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess as error:
        raise ServiceUnavailable(
            f"a process ended at once: see {state_folder() / 'logs'} for why"
        ) from error


def find_process(identity: Mapping[str, Any]) -> psutil.Process | None:
    """The process of an identity, if it still runs."""
    try:
        process = psutil.Process(int(identity["pid"]))
        same = abs(process.create_time() - float(identity["created"])) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def stop_process(identity: Mapping[str, Any]) -> bool:
    """Stop a process and its children; first politely, then by force. Tells whether it ran."""
    process = find_process(identity)
    if process is None:
        return False
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.Error:
        return False
    _, alive = psutil.wait_procs(family, timeout=_STOP_SECONDS)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=_STOP_SECONDS)
    return True
