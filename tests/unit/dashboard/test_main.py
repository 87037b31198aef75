"""`python -m dashboard`: what it refuses, and what it starts."""

import os
import socket
import sys

import pytest

from dashboard.__main__ import main


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that the process would have become."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _path, command, _names: commands.append(command))
    return commands


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_a_busy_port_is_told_in_a_sentence(
    started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert str(port) in line
    assert "(address already in use): choose another with --port <port> (make: " in line
    assert "DASHBOARD_PORT=<port>" in line
    assert not started


@pytest.mark.parametrize("arguments", [["--port=0"], ["--port=65536"], ["--host=no.such.host."]])
def test_an_address_that_is_none_is_told_in_a_sentence(
    arguments: list[str], started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not started


def test_it_listens_on_loopback_and_sends_no_statistics(started: list[list[str]]) -> None:
    port = free_port()
    main(["--port", str(port)])
    [command] = started
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert {
        "--server.address=127.0.0.1",
        f"--server.port={port}",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        "--client.toolbarMode=minimal",
        "--client.showErrorDetails=none",
        "--logger.hideWelcomeMessage=true",
    } <= set(command)
