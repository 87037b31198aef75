"""What the commands say beside their output."""

import sys

from petrostream.console import EXIT_PARTIAL
from petrostream.ingest.recordings import Problem


def say(text: str) -> None:
    """Say what is being done, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def report(problems: list[Problem]) -> int:
    """Name the files that could not be read; gives the exit code."""
    distinct = sorted({str(problem) for problem in problems})
    for problem in distinct:
        say(f"not read: {problem}")
    return EXIT_PARTIAL if distinct else 0
