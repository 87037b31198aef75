"""`python -m dashboard`: what it refuses, and what it starts."""

import os
import socket
import sys
from contextlib import suppress

import pytest

from dashboard.__main__ import main
from dashboard.serve import served_names


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


def test_it_answers_to_the_names_it_is_served_as(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PETROSTREAM_DASHBOARD_HOSTS", "wells.example.com, *.field.example")
    main(["--port", str(free_port())])
    prefix = "--server.allowedHosts="
    assert [each.removeprefix(prefix) for each in started[0] if each.startswith(prefix)] == [
        "*.field.example", "127.0.0.1", "::1", "localhost", "wells.example.com",
    ]  # fmt: skip


def test_listening_on_all_addresses_it_answers_to_those_of_this_machine() -> None:
    names = served_names("0.0.0.0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        with suppress(OSError):  # a machine without a network has no such address
            other.connect(("192.0.2.1", 9))
        address = other.getsockname()[0]
    assert {"localhost", "127.0.0.1", socket.gethostname()} <= set(names)
    assert address == "0.0.0.0" or address in names
    assert "*" not in names and "0.0.0.0" not in names


@pytest.mark.parametrize(
    "named", ["*", "http://wells.example.com", "wells.example.com:8501", "a b*"]
)
def test_what_is_no_name_to_serve_is_told_in_a_sentence(
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: str,
) -> None:
    monkeypatch.setenv("PETROSTREAM_DASHBOARD_HOSTS", named)
    assert main(["--port", str(free_port())]) == 2
    assert "PETROSTREAM_DASHBOARD_HOSTS names hosts" in capsys.readouterr().err
    assert not started
