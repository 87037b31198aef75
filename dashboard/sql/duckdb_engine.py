"""DuckDB over the curated bucket: one process for each query, with nothing in it worth taking.

The dashboard keeps the credentials. It starts a process without any, hands it the query, and reads
objects below `scored/` and `events/` for it. The process limits itself (`own_limits`), and is
killed when its time is up, or when nobody waits for its answer any more.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa

from dashboard.sql import frames
from dashboard.sql.engine import (
    MOST_ROWS,
    MOST_SECONDS,
    Query,
    QueryRefused,
    QueryResult,
    unrepeated,
)
from dashboard.sql.object_cache import ObjectCache
from dashboard.sql.object_service import ObjectService
from petrostream.aws.buckets import Bucket
from petrostream.errors import ServiceUnavailable, reason_of
from petrostream.schema.columns import SCORED_SCHEMA
from petrostream.schema.keys import EVENTS, SCORED
from petrostream.schema.sql_columns import scored_columns
from petrostream.settings import PROJECT_ROOT

MOST_CPU_SECONDS: Final = 60
MOST_MEMORY_MB: Final = 1536
MOST_ANSWER_MB: Final = 16
MOST_TEXT: Final = 100_000
AT_ONCE: Final = 2
"""Queries that run side by side, of all visitors; together they bound what SQL can take."""

_PREFIXES: Final = (SCORED, EVENTS)
_CONNECTIONS: Final = 8
_TICK_SECONDS: Final = 0.5
_LEAVE_SECONDS: Final = 1.0
"""So long the end of a query waits for calls to S3 that are under way."""

_MB: Final = 2**20
_MEMORY_REFUSED: Final = (
    f"The query needs more than {MOST_MEMORY_MB:,} MB of memory and was ended: name fewer days, "
    "or fewer wells."
)
_ENVIRONMENT: Final = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONNOUSERSITE": "1",
    "TZ": "UTC",
}
"""All that the process gets to know, besides where Python's modules are."""

_read: Final = ObjectCache()
_LOADER: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")

_running: Final = threading.BoundedSemaphore(AT_ONCE)


class DuckDB:
    """An engine that reads the bucket for a process of DuckDB's own."""

    name = "DuckDB"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def run(self, query: Query, tick: Callable[[], None] = lambda: None) -> QueryResult:
        """Run a query, as `Engine.run` says."""
        began = time.monotonic()
        if len(query.text) > MOST_TEXT:
            raise QueryRefused(f"The query has more than {MOST_TEXT:,} characters.")
        with _turn(tick):
            service = ObjectService(self._bucket, _PREFIXES, _read)
            with _process(service) as child:
                _ask(child, query)
                kind, payload = _outcome(child, tick)
        if service.fault is not None and kind != frames.ROWS:
            raise service.fault
        rows = _rows(kind, payload)
        return QueryResult(rows.head(MOST_ROWS), len(rows) > MOST_ROWS, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Child:
    """The process of a query, and the dashboard's end of the socket to it."""

    process: subprocess.Popen[bytes]
    control: socket.socket


@contextmanager
def _turn(tick: Callable[[], None]) -> Iterator[None]:
    """Wait until fewer than `AT_ONCE` queries run."""
    began = time.monotonic()
    while not _running.acquire(timeout=_TICK_SECONDS):
        tick()
        if time.monotonic() - began > MOST_SECONDS:
            raise QueryRefused(
                f"{AT_ONCE} queries of other visitors have run for {MOST_SECONDS} s: ask again."
            )
    try:
        yield
    finally:
        _running.release()


@contextmanager
def _process(service: ObjectService) -> Iterator[_Child]:
    """Start a process that the service answers; it has ended when the block ends."""
    with ExitStack() as kept, ExitStack() as given:
        try:
            pairs = [socket.socketpair() for _ in range(1 + _CONNECTIONS)]
            control, *served = [kept.enter_context(ours) for ours, _ in pairs]
            theirs = [given.enter_context(other) for _, other in pairs]
            kept.enter_context(_answering(service, served))
            process = _start([each.fileno() for each in theirs])
        except OSError as error:
            raise ServiceUnavailable(
                f"DuckDB's process can't be started ({reason_of(error)}): ask again later"
            ) from error
        kept.callback(_end, process)
        given.close()
        control.settimeout(MOST_SECONDS)  # for the rest of an answer that has begun
        yield _Child(process, control)


@contextmanager
def _answering(service: ObjectService, connections: Sequence[socket.socket]) -> Iterator[None]:
    """Let the service answer; afterwards it asks S3 for nothing more."""
    threads = [
        threading.Thread(target=service.serve, args=(each,), daemon=True) for each in connections
    ]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        service.ended.set()
        until = time.monotonic() + _LEAVE_SECONDS
        for each in threads:
            each.join(max(until - time.monotonic(), 0))


def _start(numbers: list[int]) -> subprocess.Popen[bytes]:
    folders = os.pathsep.join([str(PROJECT_ROOT), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-m", "dashboard.sql.query_process", *map(str, numbers)],
        cwd="/",
        env={**_ENVIRONMENT, **_loader_variables(), "PYTHONPATH": folders},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=numbers,
        start_new_session=True,
    )


def _loader_variables() -> dict[str, str]:
    """Where libraries are that Python's own need, on machines that keep them elsewhere."""
    return {name: os.environ[name] for name in _LOADER if name in os.environ}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _ask(child: _Child, query: Query) -> None:
    asked = {
        "text": query.text,
        "days": query.days,
        "columns": _columns(),
        "rows": MOST_ROWS,
        "bytes": MOST_ANSWER_MB * _MB,
        "memory_bytes": MOST_MEMORY_MB * _MB,
        "cpu_seconds": MOST_CPU_SECONDS,
    }
    try:
        frames.send(child.control, frames.QUERY, json.dumps(asked).encode())
    except frames.Closed:
        return  # it has ended already, and `_outcome` says why


def _columns() -> list[tuple[str, str, str]]:
    """Columns of `scored`: in the files, in SQL, and their type."""
    pairs = zip(SCORED_SCHEMA.names, scored_columns(), strict=True)
    return [(stored, each["name"], each["type"]) for stored, each in pairs]


def _outcome(child: _Child, tick: Callable[[], None]) -> tuple[bytes, bytes]:
    """Wait for what becomes of the query."""
    began, is_ready = time.monotonic(), False
    while True:
        _wait(child.control, began, tick)
        try:
            kind, payload = frames.receive(child.control, 2 * MOST_ANSWER_MB * _MB)
        except frames.Closed:
            raise _death(child.process, is_ready=is_ready) from None
        except frames.FrameTooLarge as error:
            raise QueryRefused(f"The answer is too large: {error}.") from error
        if kind != frames.READY:
            return kind, payload
        is_ready = True


def _wait(control: socket.socket, began: float, tick: Callable[[], None]) -> None:
    """Wait until there is something to read."""
    waiter = select.poll()
    waiter.register(control, select.POLLIN)
    while not waiter.poll(_TICK_SECONDS * 1000):
        tick()
        if time.monotonic() - began > MOST_SECONDS:
            raise QueryRefused(
                f"The query took longer than {MOST_SECONDS} s and was ended: name fewer days, or "
                "fewer wells."
            )


def _death(
    process: subprocess.Popen[bytes], *, is_ready: bool
) -> QueryRefused | ServiceUnavailable:
    """Why a process ended without a word."""
    code = process.wait()
    if not is_ready:
        return ServiceUnavailable(
            f"DuckDB's process did not start (exit code {code}): `make setup` installs what it "
            "needs"
        )
    if code == -signal.SIGXCPU:
        return QueryRefused(
            f"The query took more than {MOST_CPU_SECONDS} s of CPU time and was ended: name fewer "
            "days, or fewer wells."
        )
    if code in {-signal.SIGABRT, -signal.SIGKILL}:
        return QueryRefused(_MEMORY_REFUSED)
    return QueryRefused(
        f"DuckDB's process ended on this query (exit code {code}). It may take "
        f"{MOST_MEMORY_MB:,} MB of memory; write the query with fewer levels or fewer days."
    )


def _rows(kind: bytes, payload: bytes) -> pd.DataFrame:
    if kind == frames.MEMORY:
        raise QueryRefused(_MEMORY_REFUSED)
    if kind != frames.ROWS:
        raise QueryRefused(payload.decode(errors="replace"))
    try:
        with pa.ipc.open_stream(payload) as stream:
            table = stream.read_all()
        table.validate(full=True)
        return table.rename_columns(unrepeated(table.column_names)).to_pandas()
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise QueryRefused(f"The answer can't be shown: {error}") from error
