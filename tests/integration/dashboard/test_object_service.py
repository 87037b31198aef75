"""What the process of a query gets of the dashboard, whatever it sends."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import date

import pytest

from dashboard.sql import frames
from dashboard.sql.duckdb_engine import DuckDB
from dashboard.sql.engine import Query
from dashboard.sql.object_cache import ObjectCache
from dashboard.sql.object_service import ObjectService
from petrostream.aws.buckets import Bucket, ListedObject
from petrostream.errors import ObjectReplaced
from petrostream.schema.keys import EVENTS, SCORED

KEY, BODY = f"{SCORED}well=a/date=2017-02-01/b.parquet", b"0123456789"
FIRST, SECOND = (0).to_bytes(1, "little"), (1).to_bytes(1, "little")


@pytest.fixture
def service(provisioned) -> ObjectService:
    provisioned.curated.put(KEY, BODY, "text/plain")
    provisioned.curated.put("profiles/secret.json", b"secret", "text/plain")
    return ObjectService(provisioned.curated, (SCORED, EVENTS), ObjectCache())


@pytest.fixture
def connection(service: ObjectService) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=service.serve, args=(theirs,))
    serving.start()
    ours.settimeout(30)
    with ours:
        yield ours
    serving.join(timeout=30)
    assert not serving.is_alive()


def ask(connection: socket.socket, kind: bytes, request: bytes) -> tuple[bytes, bytes]:
    frames.send(connection, kind, request)
    return frames.receive(connection, 2**20)


def read(connection: socket.socket, *place: int) -> tuple[bytes, bytes]:
    return ask(connection, frames.READ, frames.PLACE.pack(*place))


def test_it_lists_and_reads(connection: socket.socket) -> None:
    kind, listed = ask(connection, frames.LIST, FIRST)
    assert kind == frames.DATA
    assert json.loads(listed) == [["well=a/date=2017-02-01/b.parquet", len(BODY)]]
    assert ask(connection, frames.LIST, SECOND) == (frames.DATA, b"[]")
    for (first, length), part in {
        (0, 10): BODY,
        (2, 3): b"234",
        (8, 100): b"89",
        (10, 1): b"",
        (2**63, 2**63): b"",
        (0, 0): b"",
    }.items():
        assert read(connection, 0, 0, first, length) == (frames.DATA, part)


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        (frames.READ, frames.PLACE.pack(0, 1, 0, 10)),
        (frames.READ, frames.PLACE.pack(1, 0, 0, 10)),
        (frames.READ, frames.PLACE.pack(9, 0, 0, 10)),
        (frames.READ, b"profiles/secret.json"),
        (frames.LIST, (2).to_bytes(1, "little")),
        (frames.LIST, b"profiles/"),
        (frames.LIST, b"x" * 1000),
        (b"?", b""),
    ],
)
def test_whatever_else_is_asked_for_the_connection_ends(
    connection: socket.socket, kind: bytes, request_: bytes
) -> None:
    ask(connection, frames.LIST, FIRST)
    ask(connection, frames.LIST, SECOND)
    with pytest.raises(frames.Closed):
        ask(connection, kind, request_)


def test_what_was_replaced_since_it_was_listed_is_a_fault(
    connection: socket.socket, service: ObjectService, provisioned
) -> None:
    ask(connection, frames.LIST, FIRST)
    provisioned.curated.put(KEY, b"another!!!", "text/plain")
    kind, told = read(connection, 0, 0, 0, 10)
    assert kind == frames.FAULT and b"was replaced meanwhile" in told
    assert isinstance(service.fault, ObjectReplaced)


def test_what_was_read_whole_is_kept(connection: socket.socket, provisioned) -> None:
    ask(connection, frames.LIST, FIRST)
    read(connection, 0, 0, 0, 10)
    provisioned.curated.delete(KEY)
    assert read(connection, 0, 0, 0, 10) == (frames.DATA, BODY)


class Slow(Bucket):
    """A bucket whose listing takes minutes; tells when it is begun, and when given up."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.begun, self.left = threading.Event(), threading.Event()

    def list(self, prefix: str, *, after: str = "") -> Iterator[ListedObject]:
        first = next(iter(super().list(prefix, after=after)))
        try:
            for _ in range(20_000):
                self.begun.set()
                self.left.wait(0.01)
                yield first
        finally:
            self.left.set()


class Gone(BaseException):
    """The visitor has left the page."""


def test_a_listing_is_not_gone_on_with_once_nobody_waits_for_it(
    service: ObjectService, provisioned
) -> None:
    slow = Slow(provisioned.curated.name)

    def leave() -> None:
        if slow.begun.is_set():
            raise Gone

    with pytest.raises(Gone):
        DuckDB(slow).run(Query("SELECT count(*) FROM scored", *[date(2017, 2, 1)] * 2), leave)
    assert slow.left.wait(30), "the bucket is listed for nobody"


def test_a_service_that_has_ended_reads_and_lists_nothing(
    connection: socket.socket, service: ObjectService
) -> None:
    ask(connection, frames.LIST, FIRST)
    service.ended.set()
    with pytest.raises(frames.Closed):
        read(connection, 0, 0, 0, 10)
