"""Whether an answer reaches the client that asked: the embedded AWS's end of the connection.

A client that is gone has closed its socket. One that closes, or dies, with an answer unread resets
the connection; one that has read it all ends it in order.
"""

import select
import socket
from collections.abc import Callable
from typing import Any, Final

from flask import has_request_context, request
from moto.moto_server.werkzeug_app import MotoRequestHandler

_SOCKET: Final = "werkzeug.socket"
_UNDO: Final = "petrostream.undo"
_READ_SECONDS: Final = 5.0
"""How long a client may take to read its answer before it counts as read."""


def client_is_gone() -> bool:
    """Whether the client of the present request has closed its connection.

    Outside a request, as with moto in this very process, there is nobody to be gone.
    """
    connection = request.environ.get(_SOCKET) if has_request_context() else None
    return connection is not None and _has_ended(connection, 0)


def undo_if_lost(undo: Callable[[], None]) -> None:
    """Call `undo` once it is clear that the present request's answer was not read."""
    if has_request_context():
        request.environ[_UNDO] = undo


class DeliveringHandler(MotoRequestHandler):
    """Answers a request, and undoes what it did where the client never read the answer."""

    environ: dict[str, Any]
    _dropped = False

    def run_wsgi(self) -> None:
        """Answer; then, if there is something to undo, wait until the answer is read or lost."""
        self._dropped = False
        super().run_wsgi()
        undo = self.environ.get(_UNDO)
        if undo is not None and (self._dropped or _was_reset(self.connection)):
            undo()

    def connection_dropped(
        self,
        error: BaseException,  # noqa: ARG002 - werkzeug's own signature
        environ: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> None:
        """Note that the client is gone."""
        self._dropped = True


def _was_reset(connection: socket.socket) -> bool:
    try:
        _peek(connection, _READ_SECONDS)
    except OSError:
        return True
    return False


def _has_ended(connection: socket.socket, seconds: float) -> bool:
    try:
        return _peek(connection, seconds) == b""
    except OSError:
        return True


def _peek(connection: socket.socket, seconds: float) -> bytes | None:
    """What comes next, nothing at the connection's end, `None` if nothing comes in time."""
    waiter = select.poll()
    waiter.register(connection, select.POLLIN)
    return connection.recv(1, socket.MSG_PEEK) if waiter.poll(seconds * 1000) else None
