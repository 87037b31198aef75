"""A wire to the embedded AWS that a test can cut and mend, and that can cut answers short."""

import socket
import socketserver
import threading
from types import TracebackType
from urllib.parse import urlsplit


class Wire:
    """Forwards connections of a loopback port to an endpoint until it is cut."""

    def __init__(self, endpoint: str) -> None:
        place = urlsplit(endpoint)
        self._target = (place.hostname, place.port)
        self._port = 0
        self._open: set[socket.socket] = set()
        self._shorten: tuple[bytes, int, int] = (b"", 0, 0)
        self.mend()

    @property
    def endpoint(self) -> str:
        """The wire's own end."""
        return f"http://127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Take connections, at the same port as before."""
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire._forward(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def shorten(self, request: str, answers: int, to: int = 20) -> None:
        """Cut the next answers to requests that contain a text, to a number of bytes."""
        self._shorten = (request.encode(), answers, to)

    def cut(self) -> None:
        """Refuse connections, and end those that are open."""
        self._server.shutdown()
        self._server.server_close()
        for end in list(self._open):
            end.close()

    def _forward(self, near: socket.socket) -> None:
        with socket.create_connection(self._target) as far:
            self._open |= {near, far}
            most = self._most(near.recv(65_536, socket.MSG_PEEK))
            back = threading.Thread(target=_pump, args=(far, near, most), daemon=True)
            back.start()
            _pump(near, far)
            back.join()
            self._open -= {near, far}

    def _most(self, request: bytes) -> int | None:
        text, answers, to = self._shorten
        if answers == 0 or text not in request:
            return None
        self._shorten = (text, answers - 1, to)
        return to

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()


def _pump(source: socket.socket, sink: socket.socket, most: int | None = None) -> None:
    """Pass on what comes, or as much of it as may, until either end is closed."""
    left = most
    try:
        while data := source.recv(65_536):
            sink.sendall(data if left is None else data[:left])
            left = None if left is None else max(0, left - len(data))
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
