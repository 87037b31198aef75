"""What commands say and ask."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from console.exits import EXIT_PARTIAL
from petrostream.errors import PetroStreamError, UsageError, without_passwords


def say(text: str = "") -> None:
    """Write a line of the answer; it is seen at once, whatever standard output is."""
    sys.stdout.write(without_passwords(text) + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Write a line about what is under way, below one of the answer."""
    say(f"  {text}")


def note(text: str) -> None:
    """Say something beside the answer, on standard error."""
    sys.stderr.write(f"{without_passwords(text)}\n")
    sys.stderr.flush()


def report_unread(problems: Iterable[object]) -> int:
    """Name the files that could not be read, each once; gives the exit code."""
    distinct = sorted({str(problem) for problem in problems})
    for problem in distinct:
        note(f"not read: {problem}")
    return EXIT_PARTIAL if distinct else 0


@contextmanager
def naming_unread(problems: Iterable[object]) -> Iterator[None]:
    """Name the files that could not be read where the work fails: they may be why."""
    try:
        yield
    except PetroStreamError:
        report_unread(problems)
        raise


def confirmed(question: str, expected: str, *, instead: str) -> bool:
    """Ask for a word that has to be typed; `instead` says what to do where nobody can be asked.

    Raises
    ------
    UsageError
        If there is no terminal to ask at.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"nobody can be asked here: {instead}")
    sys.stdout.write(f"{question} Type {expected} to go on: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() == expected
