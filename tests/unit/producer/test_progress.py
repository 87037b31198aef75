"""Progress: plain lines where nobody watches a terminal, a bar where somebody does."""

import io
import sys

import pytest

from producer import progress
from producer.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_last_plain_line_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("replaying", 2_000) as shown:
        shown.add(1_500)
        shown.add(500)
    line = capsys.readouterr().err
    assert line.startswith("replaying: 2.00k rows of 2.00k rows, ")
    assert line.endswith(" rows/s, 00:00 left\n") and line.count("\n") == 1


def test_a_total_that_is_unknown_or_passed_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("replaying", None) as endless:
        endless.add(70)
    with Progress("replaying", 50) as guessed:
        guessed.add(70)
    without, beyond = capsys.readouterr().err.splitlines()
    assert without.startswith("replaying: 70.0 rows, ") and "left" not in without
    assert beyond.startswith("replaying: 70.0 rows of 70.0 rows, ")


def test_lines_come_every_few_seconds_with_what_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress("fetching", 1_000, "B", begun=400) as shown:
        for _ in range(2):
            now[0] += 3
            shown.add(150, "1 of 3 files")
        assert capsys.readouterr().err == (
            "fetching: 700B of 1.00kB, 50.0B/s, 00:06 left, 1 of 3 files\n"
        )
        shown.add(-300, "1 of 3 files")
        shown.note("a server was slow")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "a server was slow" and said[1].startswith("fetching: 400B of 1.00kB")


def test_a_terminal_has_a_bar_that_notes_do_not_break(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("replaying", 10) as shown:
        shown.add(10)
        shown.note("a file was passed over")
    assert "100%" in terminal.getvalue() and "a file was passed over\n" in terminal.getvalue()
