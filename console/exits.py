"""Exit codes, and how what went wrong reaches the user."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from petrostream.errors import (
    UNWRITABLE,
    PetroStreamError,
    UsageError,
    reason_of,
    refusal_of,
)

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_PARTIAL: Final = 3
EXIT_INTERRUPTED: Final = 130
EXIT_UNREAD: Final = 141
_LAST_STREAM: Final = 2

GO_ON: Final = "run the same command again to go on"


def run_command(command: Callable[[], int], interrupted: str = GO_ON) -> int:
    """Run a command; a foreseeable fault becomes a sentence on standard error and a code.

    2 is for what the user has to put right (a file that the system refuses, or a full disk), 1 for
    what failed on the way, 130 for Ctrl-C, 141 where nobody reads the output any more (`| head`).
    A command that did its work, but could not read some of the files, gives 3.
    """
    try:
        code = command()
        sys.stdout.flush()
    except UsageError as error:
        _complain(f"error: {error}")
        return EXIT_USAGE
    except PetroStreamError as error:
        _complain(f"error: {error}")
        return EXIT_FAILED
    except KeyboardInterrupt:
        _complain(f"interrupted: {interrupted}")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        drop_output()
        return EXIT_UNREAD
    except OSError as error:
        return _refused(error)
    return code


def drop_output() -> None:
    """Keep the interpreter from writing to the closed pipe once more as it ends."""
    _drop(sys.stdout)


def open_streams() -> None:
    """Give the process the streams that it was started without (`>&-`): they lead nowhere.

    Else the first files that it opens get their numbers, and what is said goes into these.
    """
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:
        pass
    os.close(nowhere)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()


def _refused(error: OSError) -> int:
    """Say what the system refused; gives the exit code."""
    if error.filename is not None:
        _complain(f"error: {refusal_of(error)}")
        return EXIT_USAGE
    if error.errno in UNWRITABLE:  # files are named
        _drop(sys.stdout)
        _complain(f"error: the output can't be written: {reason_of(error)}")
        return EXIT_FAILED
    _complain(f"error: {reason_of(error)}")
    return EXIT_FAILED


def _complain(sentence: str) -> None:
    try:
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)  # nobody can be told; the exit code says it


def _drop(stream: TextIO) -> None:
    with suppress(OSError, ValueError):  # a stream without a descriptor has no pipe
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
