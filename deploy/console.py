"""What the commands say and ask."""

import sys

from petrostream.errors import UsageError


def say(text: str = "") -> None:
    """Write a line that is seen at once, whatever standard output is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Write a line about what is under way."""
    say(f"  {text}")


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
