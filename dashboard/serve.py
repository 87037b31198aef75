"""Serve the dashboard, on loopback unless told otherwise."""

import os
import re
import socket
import sys
from pathlib import Path
from typing import Final, NoReturn

import psutil

from petrostream.errors import UsageError, reason_of
from petrostream.settings import stack_environment, variable

_APP: Final = Path(__file__).with_name("app.py")
_PORTS: Final = 65_536
_HOSTS: Final = variable("dashboard_hosts")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_ALL_ADDRESSES: Final = ("", "0.0.0.0", "::")  # noqa: S104 - told from others, not listened on
_NAME: Final = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?|[0-9a-fA-F:]+")
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
        If the address can't be listened on, or a name that is to be served is none.
    """
    _check_address(host, port)
    options = _OPTIONS | {"server.address": host, "server.port": str(port)}
    names = served_names(host)
    name = "localhost" if host in _ALL_ADDRESSES else host
    shown = f"[{name}]" if ":" in name else name
    sys.stderr.write(f"the dashboard is at http://{shown}:{port} (Ctrl-C ends it)\n")
    if host not in _LOOPBACK:
        sys.stderr.write(f"its pages get data under {', '.join(names)}; {_HOSTS} adds others\n")
    if not os.environ.get(variable("curated_bucket")) and not stack_environment():
        sys.stderr.write(f"nothing is up yet: {_up()} brings it up, and the page shows it then\n")
    sys.stderr.flush()
    os.execve(  # noqa: S606 - no shell: the process keeps its number, and signals reach Streamlit
        sys.executable,
        [
            *(sys.executable, "-m", "streamlit", "run", str(_APP)),
            *(f"--{name}={value}" for name, value in options.items()),
            *(f"--server.allowedHosts={name}" for name in names),
        ],
        {**_ALLOCATOR, **os.environ},
    )


def served_names(host: str) -> list[str]:
    """The names under which a page may ask for data; under any other it stays empty.

    They are loopback's, the address that is listened on (this machine's, where that is all of
    them) and those in `PETROSTREAM_DASHBOARD_HOSTS`. Otherwise a page of any name that its owner
    lets lead to this machine could read what is shown here.

    Raises
    ------
    UsageError
        If one in the variable is no name.
    """
    named = os.environ.get(_HOSTS, "").replace(",", " ").split()
    for name in named:
        if _NAME.fullmatch(name) is None:
            raise UsageError(
                f"{_HOSTS} names hosts without port and scheme, such as wells.example.com: "
                f"{name!r} is none"
            )
    own = _own_names() if host in _ALL_ADDRESSES else [host]
    return sorted({*_LOOPBACK, *own, *named})


def _own_names() -> list[str]:
    """Name and addresses of this machine: no other page can be of a number."""
    addresses = [
        each.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family in (socket.AF_INET, socket.AF_INET6)
    ]
    return [socket.gethostname(), *addresses]


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
