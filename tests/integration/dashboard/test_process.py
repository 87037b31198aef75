"""`python -m dashboard` as a process: it answers on loopback, and ends when told to."""

import http.client
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest

from tests.support.dashboard import serving

PROMPT_SECONDS = 5.0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_promptly_and_leaves_no_process(ending: signal.Signals) -> None:
    with serving({}) as (address, process):
        with urllib.request.urlopen(address) as page:
            assert b"<title>Streamlit</title>" in page.read()
        family = [process.pid, *(each.pid for each in psutil.Process(process.pid).children())]
        began = time.monotonic()
        process.send_signal(ending)
        output, _ = process.communicate(timeout=60)
        assert time.monotonic() - began < PROMPT_SECONDS
        assert not any(psutil.pid_exists(pid) for pid in family)
        assert "Traceback" not in output
        assert output.startswith(f"the dashboard is at {address} (Ctrl-C ends it)\n")
        assert "view your Streamlit app" not in output, "it is said already"


def test_it_listens_on_loopback_only() -> None:
    with serving({}) as (address, process):
        listening = [
            each.laddr.ip
            for each in psutil.Process(process.pid).net_connections(kind="inet")
            if each.status == psutil.CONN_LISTEN
        ]
        assert set(listening) == {"127.0.0.1"}
        port = urlsplit(address).port
        with socket.socket() as probe, pytest.raises(OSError, match="in use"):
            probe.bind(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("host", "origin", "is_let_in"),
    [
        ("{address}", "http://{address}", True),
        ("localhost:{port}", "http://localhost:{port}", True),
        ("wells.example.com", "https://wells.example.com", True),
        ("evil.example:{port}", "http://evil.example:{port}", False),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", False),
        ("{address}", "http://evil.example", False),
    ],
)
def test_only_a_page_of_a_name_that_is_served_gets_data(
    named_dashboard: str, host: str, origin: str, is_let_in: bool
) -> None:
    place = urlsplit(named_dashboard)
    names = {"address": place.netloc, "port": place.port}
    answered = handshake(place.port, host.format_map(names), origin.format_map(names))
    assert answered == (101 if is_let_in else 403)


@pytest.fixture(scope="module")
def named_dashboard() -> Iterator[str]:
    with serving({"PETROSTREAM_DASHBOARD_HOSTS": "wells.example.com"}) as (address, _):
        yield address


def handshake(port: int | None, host: str, origin: str) -> int:
    """Ask for the stream that carries everything a page shows; gives the answer's status."""
    connection = http.client.HTTPConnection("127.0.0.1", port or 0, timeout=30)
    connection.request(
        "GET",
        "/_stcore/stream",
        headers={
            "Host": host,
            "Origin": origin,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    )
    status = connection.getresponse().status
    connection.close()
    return status
