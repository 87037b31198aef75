"""Work in a process of its own that dies at a chosen call; its AWS is the one of this process.

The child is forked, so it starts in milliseconds. Its calls come over a pipe and are answered
here, so what it did before its death is there for whoever does the work again.
"""

import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from botocore.awsrequest import AWSPreparedRequest

from tests.support.calls import Answer, Calls

KILLED = 99
_POLL_SECONDS = 0.01


class Sent(NamedTuple):
    """A request, as it goes over the pipe."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def prepared(self) -> AWSPreparedRequest:
        return AWSPreparedRequest(
            self.method, self.url, self.headers, self.body, stream_output=False
        )


@dataclass(frozen=True)
class Death:
    """At which attempt of all a process dies, and whether AWS had done its part by then."""

    attempt: int
    took_effect: bool


def run(calls: Calls, work: Callable[[], Any], death: Death | None = None) -> int:
    """Do the work in a child process; gives its exit code, `KILLED` where it died as planned.

    `work` must not raise. No `finally` and no destructor of the child runs at its death.
    """
    ours, theirs = Pipe()
    child = os.fork()
    if child == 0:
        ours.close()
        code = 70
        try:
            calls.transport = _over(theirs, death)
            work()
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    with ours:
        return _answer_until_it_ends(ours, child, calls)


def _over(pipe: Connection, death: Death | None) -> Callable[[AWSPreparedRequest], Answer]:
    lock = threading.Lock()
    numbers = itertools.count()

    def transport(request: AWSPreparedRequest) -> Answer:
        with lock:
            dies = death is not None and death.attempt == next(numbers)
            if dies and death is not None and not death.took_effect:
                os._exit(KILLED)
            pipe.send(_sent(request))
            answer: Answer = pipe.recv()
            if dies:
                os._exit(KILLED)
            return answer

    return transport


def _sent(request: AWSPreparedRequest) -> Sent:
    headers = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    return Sent(request.method, request.url, headers, _bytes_of(request.body))


def _bytes_of(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body if isinstance(body, bytes | bytearray) else body.read())


def _answer_until_it_ends(pipe: Connection, child: int, calls: Calls) -> int:
    """Its own children may hold the pipe open, so the process itself is asked whether it lives."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        try:
            while pipe.poll(0 if ended else _POLL_SECONDS):
                answer = calls.transport(pipe.recv().prepared())
                if not ended:
                    pipe.send(answer)
        except (EOFError, OSError):
            if not ended:
                ended, status = os.waitpid(child, 0)
        if ended:
            return os.waitstatus_to_exitcode(status)
