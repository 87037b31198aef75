"""Reading uploaded objects where their death or hunger takes nothing else along.

`IsolatedReader` hands each object to a warm process (`petrostream.ingest.decoder`) and takes back
plain columns, whose sizes it works out itself. Whatever ends that process, or would, is a reason
to set the object aside; the next one is read by a new process.
"""

import os
import select
import signal
import socket
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pyarrow as pa

from petrostream.errors import InvalidBatch, TransientError
from petrostream.ingest import decoder
from petrostream.ingest.batches import METADATA_KEY, read_table
from petrostream.ingest.columns_wire import HEAD_BYTES, Announced
from petrostream.ingest.decoder import Reply

WALL_SECONDS: Final = 10.0
"""How long is waited for one object: its CPU time at 0.4 of a processor, and more."""

TRIES: Final = 2
"""So often must an object end the process that reads it, before it is the object's fault."""

_NO_PROCESS: Final = "the process that reads objects can't be started"
_SLICE_SECONDS: Final = 0.25
_UNDERWAY_BYTES: Final = 1024 * 1024
_MB: Final = 1024 * 1024


class _Ended(Exception):
    """A decoder gave no table; `certain` says that another try would end the same way."""

    def __init__(self, how: str, *, certain: bool = False) -> None:
        super().__init__(how)
        self.how = how
        self.certain = certain


class IsolatedReader:
    """Reads Parquet in a process of its own: called with bytes, it gives the table.

    To be made while the process starts: before it has threads, credentials or anything that was
    uploaded, for the other process begins as its copy. It may be called from several threads; they
    wait for each other.

    Parameters
    ----------
    read
        What the other process reads with.
    wall_seconds
        How long is waited for one object.
    """

    def __init__(
        self,
        read: Callable[[bytes], pa.Table] = read_table,
        wall_seconds: float = WALL_SECONDS,
    ) -> None:
        self._read = read
        self._wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._nursery = _Nursery(read)
        self._warm: _Decoder | None = None

    def __call__(self, data: bytes) -> pa.Table:
        """Read one object.

        Raises
        ------
        InvalidBatch
            If it can't be read, or what reads it dies or starves over it.
        TransientError
            If there is no process to read with.
        """
        with self._lock:
            for remaining in reversed(range(TRIES)):
                try:
                    return self._try(data)
                except _Ended as ended:
                    self._discard()
                    if ended.certain or not remaining:
                        raise InvalidBatch(f"it can't be read: {ended.how}") from ended
                except InvalidBatch:
                    raise
                except BaseException:
                    self._discard()
                    raise
        raise AssertionError("unreachable")

    def start(self) -> None:
        """Make sure that a process can be started, before there is an object.

        Raises
        ------
        TransientError
            If it can't.
        """
        with self._lock:
            try:
                self._warm = self._bear()
            except _NurseryGone as gone:
                raise TransientError(_NO_PROCESS) from gone

    def close(self) -> None:
        """End the processes; those of a reader that is forgotten end as well."""
        with self._lock:
            self._discard()
            self._nursery.close()

    def _try(self, data: bytes) -> pa.Table:
        try:
            if self._warm is None or not self._warm.is_idle():
                self._discard()
                self._warm = self._bear()
            return self._warm.read(data, self._wall_seconds)
        except _NurseryGone as gone:
            raise TransientError(_NO_PROCESS) from gone

    def _bear(self) -> "_Decoder":
        try:
            return self._nursery.bear()
        except _NurseryGone:
            self._nursery.close()
            self._nursery = _Nursery(self._read)
            return self._nursery.bear()

    def _discard(self) -> None:
        if self._warm is not None:
            self._warm.close()
            self._warm = None


class _NurseryGone(Exception):
    """The process that forks decoders is no more."""


class _Nursery:
    """The process that forks decoders, and says how they ended."""

    def __init__(self, read: Callable[[bytes], pa.Table]) -> None:
        self._control, theirs = socket.socketpair()
        process = _fork()
        if not process:
            decoder.run_nursery(theirs, read)
        theirs.close()
        self.close = weakref.finalize(self, _end_nursery, self._control, process)

    def bear(self) -> "_Decoder":
        line, theirs = socket.socketpair()
        for end in (line, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNDERWAY_BYTES)
        with theirs:
            try:
                socket.send_fds(self._control, [b"\0" * decoder.DECODER.size], [theirs.fileno()])
                (process,) = decoder.DECODER.unpack(self._reply(decoder.DECODER.size))
            except OSError as error:
                line.close()
                raise _NurseryGone from error
            except _NurseryGone:
                line.close()
                raise
        return _Decoder(self, line, process)

    def bury(self, process: int) -> int:
        """End a decoder and say how it ended: its exit code, or less than 0 for a signal."""
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        try:
            self._control.sendall(decoder.DECODER.pack(process))
        except OSError as error:
            raise _NurseryGone from error
        return int(decoder.END.unpack(self._reply(decoder.END.size))[0])

    def _reply(self, size: int) -> bytes:
        try:
            reply = self._control.recv(size, socket.MSG_WAITALL)
        except OSError as error:
            raise _NurseryGone from error
        if len(reply) < size:
            raise _NurseryGone
        return reply


class _Decoder:
    """One warm process that reads objects."""

    def __init__(self, nursery: _Nursery, line: socket.socket, process: int) -> None:
        line.settimeout(0)
        self._nursery = nursery
        self._line = line
        self._process = process
        self._close = weakref.finalize(self, line.close)

    def is_idle(self) -> bool:
        """Whether it lives and says nothing: then it can be given an object."""
        if not self._close.alive:
            return False
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        return not poll.poll(0)

    def read(self, data: bytes, wall_seconds: float) -> pa.Table:
        patience = _Patience(self._line, wall_seconds)
        try:
            self._send(decoder.REQUEST.pack(len(data)), data, patience)
            return self._answer(patience)
        except _TooLong:
            raise _Ended(f"reading it takes longer than {wall_seconds:g} s") from None
        except (EOFError, ConnectionError):
            raise self._death() from None
        except ValueError as error:
            raise _Ended(f"what was read makes no sense ({error})") from error

    def close(self) -> None:
        """End it."""
        if self._close.alive:
            with suppress(_NurseryGone):
                self._end()

    def _end(self) -> int:
        self._close()
        return self._nursery.bury(self._process)

    def _death(self) -> _Ended:
        try:
            code = self._end()
        except _NurseryGone:
            return _Ended("the process that reads it dies")
        if code == -signal.SIGXCPU:
            return _Ended(
                f"reading it takes more than {decoder.CPU_SECONDS} s of CPU time", certain=True
            )
        how = f"signal {_name_of(-code)}" if code < 0 else f"exit code {code}"
        return _Ended(f"the process that reads it dies ({how})")

    def _answer(self, patience: "_Patience") -> pa.Table:
        kind, length = decoder.REPLY.unpack(self._receive(decoder.REPLY.size, patience))
        if kind == Reply.HUNGRY:
            raise _Ended(f"reading it takes more than {decoder.MEMORY_BYTES // _MB} MiB of memory")
        if kind == Reply.REFUSED and length <= decoder.LONGEST_REASON:
            reason = self._receive(length, patience).to_pybytes()
            raise InvalidBatch(reason.decode(errors="replace"))
        if kind != Reply.READ:
            raise ValueError(f"reply {kind}")
        head = Announced.parse(self._receive(HEAD_BYTES, patience).to_pybytes())
        description = self._receive(head.description_bytes, patience).to_pybytes()
        values = self._receive(head.value_bytes(description), patience)
        return head.table(description, values, METADATA_KEY)

    def _send(self, head: bytes, data: bytes, patience: "_Patience") -> None:
        """Both at once: the other process need not wake twice."""
        view, sent = memoryview(data), -len(head)
        while sent < len(view):
            pieces: list[bytes | memoryview] = [head[sent:], view] if sent < 0 else [view[sent:]]
            try:
                sent += self._line.sendmsg(pieces)
            except BlockingIOError:
                patience.wait(select.POLLOUT)

    def _receive(self, size: int, patience: "_Patience") -> pa.Buffer:
        buffer = pa.allocate_buffer(size)
        view, there = memoryview(buffer), 0
        while there < size:
            try:
                received = self._line.recv_into(view[there:])
            except BlockingIOError:
                patience.wait(select.POLLIN)
                continue
            if not received:
                raise EOFError
            there += received
        return buffer


class _TooLong(Exception):
    """The patience for one object is at its end."""


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the ones for real time have no names
        return str(number)


class _Patience:
    """Seconds to wait for one object.

    A machine that sleeps meanwhile, as execution environments do, counts as two slices at most.
    """

    def __init__(self, line: socket.socket, seconds: float) -> None:
        self._poll = select.poll()
        self._line = line
        self._left = seconds

    def wait(self, event: int) -> None:
        """Wait until the line can be read from, or written to."""
        self._poll.register(self._line, event)
        while self._left > 0:
            began = time.monotonic()
            ready = self._poll.poll(1000 * min(self._left, _SLICE_SECONDS))
            self._left -= min(time.monotonic() - began, 2 * _SLICE_SECONDS)
            if ready:
                return
        raise _TooLong


def _fork() -> int:
    with warnings.catch_warnings():
        # With threads in this process the copy has none of them, and whatever lock they held; it
        # uses no lock but the interpreter's own, which Python sees to.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _end_nursery(control: socket.socket, process: int) -> None:
    control.close()
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(process, 0)
