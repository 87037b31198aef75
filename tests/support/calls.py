"""Calls to an AWS in this process, any of which can fail before or after it took effect.

Stands below botocore's own retries, where the network would be. A *call* is what the code asks a
client for; it makes one *attempt* or more, and a fault says how many of them fail.
"""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.endpoint import Endpoint
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.retries.standard import RetryQuotaChecker
from moto import backend_index
from moto.core.models import botocore_stubber
from moto.moto_api._internal import moto_api_backend

from petrostream.aws import clients

_FEW = 10
SERVICES = ("glue", "s3", "sns", "sqs", "ssm")
ONCE = 1
ALWAYS = 100
"""More attempts than any call makes."""

Answer = tuple[int, dict[str, str], bytes]
Transport = Callable[[AWSPreparedRequest], Answer]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an attempt: instead of its effect, or behind it.

    `answer` raises as the network does, or gives what the client gets instead of the true answer.
    """

    name: str
    took_effect: bool
    answer: Callable[[AWSPreparedRequest, Answer | None], Answer]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Plan:
    """Which call fails, how, and how many of its attempts do."""

    call: int
    fault: Fault
    attempts: int = ALWAYS


@dataclass
class Calls:
    """The calls that are made, and the one that is to fail."""

    transport: Transport
    plan: Plan | None = None
    made: list[str] = field(default_factory=list)
    failed: int = 0
    _present: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self, patch: pytest.MonkeyPatch) -> None:
        """Take the network's place for every client of this process."""
        send_request = Endpoint._send_request

        def begin(endpoint: Endpoint, request: dict[str, Any], operation: Any) -> Any:
            service = operation.service_model.service_id.hyphenize()
            with self._lock:
                self._present.call = (len(self.made), [])
                self.made.append(f"{service}.{operation.name}")
            return send_request(endpoint, request, operation)

        patch.setattr(Endpoint, "_send_request", begin)
        patch.setattr(Endpoint, "_send", lambda _endpoint, request: self._send(request))
        patch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
        # a client that has seen many failures stops trying again; here one serves many tests
        patch.setattr(RetryQuotaChecker, "_RETRY_COST", 0)
        patch.setattr(RetryQuotaChecker, "_THROTTLING_RETRY_COST", 0)
        patch.setattr(clients, "_client", cache(clients._client))
        # moto tries some hundred patterns on every address
        known = [each for each in backend_index.backend_url_patterns if each[0] in SERVICES]
        patch.setattr(backend_index, "backend_url_patterns", known)

    @contextmanager
    def unplanned(self) -> Iterator[None]:
        """Calls of the test itself: none of them fails or counts."""
        plan, made, self.plan = self.plan, list(self.made), None
        try:
            yield
        finally:
            self.plan, self.made = plan, made

    def _send(self, request: AWSPreparedRequest) -> AWSResponse:
        number, attempts = self._present.call
        attempts.append(request)
        plan = self.plan
        if plan is None or plan.call != number or len(attempts) > plan.attempts:
            return _response(request, self.transport(request))
        self.failed += 1
        answer = self.transport(request) if plan.fault.took_effect else None
        return _response(request, plan.fault.answer(request, answer))


def moto_here(request: AWSPreparedRequest) -> Answer:
    """What moto, in this process, answers."""
    found = botocore_stubber.process_request(request)
    assert found is not None, f"moto knows nothing of {request.url}"
    status, headers, body = found
    content = body.encode() if isinstance(body, str) else bytes(body)
    names = {name.lower() for name in headers}
    length = {} if "content-length" in names else {"content-length": str(len(content))}
    return status, {**{str(k): str(v) for k, v in headers.items()}, **length}, content


def forget_everything() -> None:
    """Empty the moto of this process."""
    moto_api_backend.reset()


def _response(request: AWSPreparedRequest, answer: Answer) -> AWSResponse:
    status, headers, body = answer
    raw = urllib3.HTTPResponse(
        io.BytesIO(body), headers, status, preload_content=False, request_method=request.method
    )
    response = AWSResponse(request.url, status, raw.headers, raw)
    if not request.stream_output:  # botocore reads such an answer before it gives it back
        try:
            _ = response.content
        except urllib3.exceptions.ProtocolError as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
    return response


def _error(status: int, code: str) -> Callable[[AWSPreparedRequest, Answer | None], Answer]:
    def answer(request: AWSPreparedRequest, _answer: Answer | None) -> Answer:
        if "X-Amz-Target" in request.headers:
            body = f'{{"__type": "{code}", "message": "made up"}}'.encode()
        elif request.method == "HEAD":
            body = b""
        elif b"Action=" in _body(request):
            body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()
        else:
            body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
        return status, {"content-length": str(len(body))}, body

    return answer


def _body(request: AWSPreparedRequest) -> bytes:
    body = request.body
    return body if isinstance(body, bytes) else str(body or "").encode()


def _unreachable(request: AWSPreparedRequest, _answer: Answer | None) -> Answer:
    raise EndpointConnectionError(endpoint_url=request.url, error=socket.gaierror("made up"))


def _closed(request: AWSPreparedRequest, _answer: Answer | None) -> Answer:
    raise ConnectionClosedError(endpoint_url=request.url)


def _timed_out(request: AWSPreparedRequest, _answer: Answer | None) -> Answer:
    raise ReadTimeoutError(endpoint_url=request.url)


def _cut_in_head(_request: AWSPreparedRequest, answer: Answer | None) -> Answer:
    assert answer is not None
    return answer[0], {}, b""


def _cut_in_body(_request: AWSPreparedRequest, answer: Answer | None) -> Answer:
    assert answer is not None
    status, headers, body = answer
    return status, headers, body[: len(body) // 2]


BEFORE = (
    Fault("unreachable", took_effect=False, answer=_unreachable),
    Fault("slow-down", took_effect=False, answer=_error(503, "SlowDown")),
    Fault("internal", took_effect=False, answer=_error(500, "InternalError")),
    Fault("throttled", took_effect=False, answer=_error(400, "ThrottlingException")),
    Fault("denied", took_effect=False, answer=_error(403, "AccessDenied")),
)
"""The call fails and nothing has happened."""

AFTER = (
    Fault("closed", took_effect=True, answer=_closed),
    Fault("timed-out", took_effect=True, answer=_timed_out),
    Fault("internal-after", took_effect=True, answer=_error(500, "InternalError")),
    Fault("cut-in-head", took_effect=True, answer=_cut_in_head),
    Fault("cut-in-body", took_effect=True, answer=_cut_in_body),
)
"""It has happened, and whoever asked does not learn of it."""

FAULTS = BEFORE + AFTER


def in_turn(fault: Fault, calls: int) -> range:
    """The calls that a fault is tried at: every other one, so that each has five faults or so, two
    before and two after it took effect at least; all of them at all would take twice as long.
    """
    return range(calls) if calls < _FEW else range(FAULTS.index(fault) % 2, calls, 2)


ABSORBED = tuple(each for each in FAULTS if each.name in {"slow-down", "closed", "cut-in-head"})
"""Of each sort one that is tried again below the code, so that it goes by unseen if it is once."""
