"""Serve the dashboard, on loopback unless told otherwise."""

import os
import socket
import sys
from pathlib import Path
from typing import Final, NoReturn

from petrostream.errors import UsageError, reason_of
from petrostream.settings import stack_environment, variable

_APP: Final = Path(__file__).with_name("app.py")
_PORTS: Final = 65_536
_OPTIONS: Final = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "logger.hideWelcomeMessage": "true",
}
_ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""For glibc: big arrays go back to the system when they are freed, and threads share arenas. With
its defaults a dashboard of a month keeps some 60 MiB that it no longer uses."""


def serve(host: str, port: int) -> NoReturn:
    """Become the Streamlit server; returns only where that can't be.

    Raises
    ------
    UsageError
        If the address can't be listened on.
    """
    _check_address(host, port)
    options = _OPTIONS | {"server.address": host, "server.port": str(port)}
    sys.stderr.write(f"the dashboard is at http://{host}:{port} (Ctrl-C ends it)\n")
    if not os.environ.get(variable("curated_bucket")) and not stack_environment():
        sys.stderr.write(f"nothing is up yet: {_up()} brings it up, and the page shows it then\n")
    sys.stderr.flush()
    os.execve(  # noqa: S606 - no shell: the process keeps its number, and signals reach Streamlit
        sys.executable,
        [
            *(sys.executable, "-m", "streamlit", "run", str(_APP)),
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        {**_ALLOCATOR, **os.environ},
    )


def _up() -> str:
    target = os.environ.get(variable("target"))
    return f"`petrostream up --target {target}`" if target else "`petrostream up`"


def _check_address(host: str, port: int) -> None:
    if not 0 < port < _PORTS:
        raise UsageError(f"{port} is no port: choose one from 1 to {_PORTS - 1}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UsageError(
            f"the dashboard can't listen on port {port} of {host} ({reason_of(error)}): choose "
            "another with --port <port> (make: DASHBOARD_PORT=<port>)"
        ) from error
