"""`python -m dashboard` as a process: it answers on loopback, and ends when told to."""

import signal
import socket
import time
import urllib.request
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
