"""What reads objects, and dies or starves over those that say so."""

import json
import os
import select
import signal
from pathlib import Path

import pyarrow as pa

from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import read_table


def read_or_die(data: bytes) -> pa.Table:
    """Read an object; one that begins with a word below does that instead."""
    word, _, rest = data[:1000].partition(b" ")
    act = ACTS.get(word)
    if act is not None:
        act(rest.decode())
    return read_table(data)


def _eat(_: str) -> None:
    eaten = [bytes(2**24)]
    while True:
        eaten.append(b"".join(eaten))


def _loop(_: str) -> None:
    while True:
        pass


def _kill_once(marker: str) -> None:
    if not Path(marker).exists():
        Path(marker).mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
    raise InvalidBatch("it lives")


def _signal(number: str) -> None:
    os.kill(os.getpid(), int(number))


def _sleep(seconds: str) -> None:
    select.select([], [], [], float(seconds))


def _tell(_: str) -> None:
    links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    descriptors = {each.name: str(each.readlink()) for each in links}
    told = {"process": os.getpid(), "nursery": os.getppid(), "environment": dict(os.environ)}
    raise InvalidBatch(json.dumps(told | {"descriptors": descriptors}))


def _fail(_: str) -> None:
    raise TypeError("that was not foreseen")


ACTS = {
    b"signal": _signal,
    b"abort": lambda _: os.abort(),
    b"exit": lambda _: os._exit(3),
    b"eat": _eat,
    b"loop": _loop,
    b"sleep": _sleep,
    b"once": _kill_once,
    b"tell": _tell,
    b"fail": _fail,
}

KILLERS = {
    b"signal 40": "the process that reads it dies (signal 40)",
    b"abort": "the process that reads it dies (signal SIGABRT)",
    b"exit": "the process that reads it dies (exit code 3)",
    b"eat": "reading it takes more than 256 MiB of memory",
    b"loop": "reading it takes more than 1 s of CPU time",
    b"sleep 600": "reading it takes longer than 2 s",
    b"fail": "reading it fails: TypeError('that was not foreseen')",
}
"""Objects that kill, and why they are set aside where CPU time is 1 s and waiting 2 s."""
