"""A proxy to the embedded AWS, which spoils answers by a plan."""

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.plan import FaultyAnswer

HOST = "127.0.0.1"
_SECONDS = 60.0
_OF_THE_WAY = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>made up</Message></Error>"
_INTERNAL = b"<Error><Code>InternalError</Code><Message>made up</Message></Error>"


class SpoilingProxy:
    """Passes requests on to an endpoint; while `spoils` is set, answers come as planned."""

    def __init__(self, endpoint: str, plan: Iterator[FaultyAnswer | None]) -> None:
        self.target = urlsplit(endpoint).netloc
        self.spoils = True
        self.requests = 0
        self.spoilt: Counter[FaultyAnswer] = Counter()
        self._plan = plan
        self._lock = threading.Lock()
        handler = type("BoundProxyHandler", (_ProxyHandler,), {"proxy": self})
        self._server = _Server((HOST, 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self) -> FaultyAnswer | None:
        """What is to go wrong with the request that came now."""
        with self._lock:
            self.requests += 1
            fault = next(self._plan) if self.spoils else None
            if fault is not None:
                self.spoilt[fault] += 1
            return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that are killed are meant."""


class _ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: SpoilingProxy

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        fault = self.proxy.next_fault()
        if fault is FaultyAnswer.REFUSED:
            self.close_connection = True
        elif fault is FaultyAnswer.SLOW_DOWN:
            self._answer(503, [], _SLOW_DOWN)
        else:
            status, headers, content = self._ask(body)
            self._answer_spoilt(fault, status, headers, content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 - http.server's names

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.proxy.target, timeout=_SECONDS)
        headers = {n: v for n, v in self.headers.items() if n.lower() not in _OF_THE_WAY}
        try:
            connection.request(
                self.command, self.path, body, {**headers, "Content-Length": str(len(body))}
            )
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer_spoilt(
        self,
        fault: FaultyAnswer | None,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
    ) -> None:
        if fault is None:
            self._answer(status, headers, content)
        elif fault is FaultyAnswer.CLOSED:
            self.close_connection = True
        elif fault is FaultyAnswer.INTERNAL:
            self._answer(500, [], _INTERNAL)
        elif fault is FaultyAnswer.CUT_IN_HEAD:
            self.wfile.write(f"HTTP/1.1 {status} OK\r\nServer: made".encode())
            self.close_connection = True
        else:
            self._answer(status, headers, content, most=len(content) // 2)
            self.close_connection = True

    def _answer(
        self,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
        most: int | None = None,
    ) -> None:
        self.send_response_only(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in _OF_THE_WAY:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:most])

    def log_message(self, *_: Any) -> None:
        pass
