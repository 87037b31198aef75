"""The process that reads what others uploaded, so that nothing else dies or starves over it.

Two kinds of process stand behind `petrostream.ingest.isolation`: a *nursery*, forked while the
function starts, which never sees an uploaded byte and forks the others; and *decoders*, which
read one object after the other under the operating system's limits. Both end with their parent.
"""

import ctypes
import gc
import math
import os
import resource
import signal
import socket
import stat
import struct
import traceback
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Final

import pyarrow as pa

from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import METADATA_KEY
from petrostream.ingest.columns_wire import to_wire

REQUEST: Final = struct.Struct("<Q")
REPLY: Final = struct.Struct("<BI")
DECODER: Final = struct.Struct("<i")
END: Final = struct.Struct("<i")
LONGEST_REASON: Final = 2_000

MEMORY_BYTES: Final = 256 * 1024 * 1024
"""Address space that a decoder may take beyond what it was forked with; the largest legal object
takes some 110 MB."""
CPU_SECONDS: Final = 3
"""CPU time for one object; the largest legal one takes 0.2 s."""

DESCRIPTOR_FOLDERS: tuple[str, ...] = ("/proc/self/fd", "/dev/fd")
"""AWS Lambda has no /dev/fd, macOS no /proc."""

_HIGHEST_DESCRIPTOR: Final = 2**20
_OPEN_FILES: Final = 32
_GIVE_BACK_BYTES: Final = 4 * 1024 * 1024
_AT_ONCE_BYTES: Final = 4 * 1024 * 1024
"""What is shorter is sent in one piece: each piece may wake the one that waits for it."""
_SET_PARENT_DEATH_SIGNAL: Final = 1


class Reply(IntEnum):
    """What a decoder says of an object."""

    READ = 1
    REFUSED = 2
    HUNGRY = 3


def run_nursery(control: socket.socket, read: Callable[[bytes], pa.Table]) -> None:
    """Fork a decoder for each socket that comes, reap those that are asked for, never return."""
    try:
        _forget_everything(control)
        while True:
            _serve(control, read)
    except EOFError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - said while standard error is still the function's
        traceback.print_exc()
    finally:
        os._exit(1)


def _serve(control: socket.socket, read: Callable[[bytes], pa.Table]) -> None:
    message, descriptors, _, _ = socket.recv_fds(control, DECODER.size, 1)
    if not message:
        raise EOFError
    if descriptors:
        control.sendall(DECODER.pack(_fork_decoder(descriptors[0], read)))
    else:
        (process,) = DECODER.unpack(message)
        _, status = os.waitpid(process, 0)
        control.sendall(END.pack(os.waitstatus_to_exitcode(status)))


def _fork_decoder(descriptor: int, read: Callable[[bytes], pa.Table]) -> int:
    process = os.fork()
    if process:
        os.close(descriptor)
        return process
    try:
        _close_all_but(descriptor)
        _run_decoder(socket.socket(fileno=descriptor), read)
    finally:
        os._exit(1)


def _forget_everything(control: socket.socket) -> None:
    """Drop what the function has and reading does not need: credentials, connections, output."""
    gc.freeze()
    os.environ.clear()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for other in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(other, signal.SIG_DFL)
    pa.set_memory_pool(pa.system_memory_pool())
    _close_all_but(control.fileno(), *_pipes())
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.close(nothing)


def _pipes() -> list[int]:
    """Pipes that are open: Arrow may have one, and ends a process that forks without it."""
    found = []
    for number in _open_descriptors():
        with suppress(OSError):  # the folder's own is closed by now
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                found.append(number)
    return found


def _open_descriptors() -> list[int]:
    """Numbers of what is open."""
    for folder in DESCRIPTOR_FOLDERS:
        with suppress(OSError):
            return [int(name.name) for name in Path(folder).iterdir()]
    return []


def _close_all_but(*kept: int) -> None:
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, _HIGHEST_DESCRIPTOR)


def _run_decoder(line: socket.socket, read: Callable[[bytes], pa.Table]) -> None:
    _end_with_parent()
    _limit_for_good()
    while True:
        _allow_cpu_time()
        if _handle(line, read) > _GIVE_BACK_BYTES:
            _give_memory_back()


def _handle(line: socket.socket, read: Callable[[bytes], pa.Table]) -> int:
    """Read one object and answer; gives how many bytes went to and fro."""
    size = REQUEST.unpack(_receive(line, REQUEST.size))[0]
    parts = _answer(_receive(line, size), read)
    total = sum(len(part) for part in parts)
    for part in [b"".join(parts)] if total < _AT_ONCE_BYTES else parts:
        line.sendall(part)
    return int(size) + total


def _answer(data: bytes, read: Callable[[bytes], pa.Table]) -> list[bytes | pa.Buffer]:
    try:
        return [REPLY.pack(Reply.READ, 0), *to_wire(read(data), METADATA_KEY)]
    except MemoryError:
        return [REPLY.pack(Reply.HUNGRY, 0)]
    except InvalidBatch as error:
        return _refusal(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it does to a reader is its own fault
        return _refusal(f"reading it fails: {error!r}")


def _refusal(reason: str) -> list[bytes | pa.Buffer]:
    told = reason.encode(errors="replace")[:LONGEST_REASON]
    return [REPLY.pack(Reply.REFUSED, len(told)), told]


def _receive(line: socket.socket, size: int) -> bytes:
    data = line.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        os._exit(0)
    return data


def _limit_for_good() -> None:
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    with suppress(FileNotFoundError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_BYTES)


def _lower(what: int, value: int) -> None:
    highest = resource.getrlimit(what)[1]
    if highest == resource.RLIM_INFINITY or value < highest:
        resource.setrlimit(what, (value, value))


def _allow_cpu_time() -> None:
    """Have the system end this process (SIGXCPU) when the next object has had its time."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(spent.ru_utime + spent.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _end_with_parent() -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _give_memory_back() -> None:
    """Return what a large object took, so that it does not count while the rows are scored."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
