"""A wire to the embedded AWS that a test can cut and mend."""

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

    def cut(self) -> None:
        """Refuse connections, and end those that are open."""
        self._server.shutdown()
        self._server.server_close()
        for end in list(self._open):
            end.close()

    def _forward(self, near: socket.socket) -> None:
        with socket.create_connection(self._target) as far:
            self._open |= {near, far}
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()
            self._open -= {near, far}

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, until either end is closed."""
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
