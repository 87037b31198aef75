"""The embedded AWS: moto's server on loopback, in a process of its own.

Run as ``python -m petrostream.local.server [PORT]``; prints the port it listens on as its first
line. Port 0 (the default) takes a free one.
"""

import logging
import signal
import sys
from types import FrameType

from moto.moto_server import werkzeug_app
from werkzeug.serving import make_server

from petrostream.local import patches
from petrostream.local.delivery import DeliveringHandler
from petrostream.local.endpoint import HOST
from petrostream.local.foreign_pages import refusing_foreign_pages


def main(arguments: list[str]) -> int:
    """Serve until the process is told to end."""
    patches.apply()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    werkzeug_app.DISABLE_GLOBAL_CORS = True  # type: ignore[attr-defined] # as its apps read it
    application = refusing_foreign_pages(
        werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    )
    port = int(arguments[0]) if arguments else 0
    DeliveringHandler.protocol_version = "HTTP/1.1"
    server = make_server(HOST, port, application, threaded=True, request_handler=DeliveringHandler)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
