"""Exit codes, and how what went wrong reaches the user."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from petrostream.errors import PetroStreamError, UsageError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_PARTIAL: Final = 3
EXIT_INTERRUPTED: Final = 130
EXIT_UNREAD: Final = 141

GO_ON: Final = "run the same command again to go on"


def run_command(command: Callable[[], int], interrupted: str = GO_ON) -> int:
    """Run a command; a foreseeable fault becomes a sentence on standard error and a code.

    2 is for what the user has to put right, 1 for what failed on the way, 130 for Ctrl-C, 141
    where nobody reads the output any more (`| head`). A command that did its work, but could not
    read some of the files, gives 3.
    """
    try:
        code = command()
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USAGE
    except PetroStreamError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted: {interrupted}\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        drop_output()
        return EXIT_UNREAD
    return code


def drop_output() -> None:
    """Keep the interpreter from writing to the closed pipe once more as it ends."""
    with suppress(OSError, ValueError):  # a stream without a descriptor has no pipe
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
