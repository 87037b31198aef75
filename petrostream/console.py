"""What all command lines have in common: how errors reach the user, and exit codes."""

import sys
from collections.abc import Callable
from typing import Final

from petrostream.errors import PetroStreamError, UsageError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_PARTIAL: Final = 3
EXIT_INTERRUPTED: Final = 130


def run_command(
    command: Callable[[], int], interrupted: str = "run the same command again to go on"
) -> int:
    """Run a command; a foreseeable fault becomes a sentence on standard error and a code.

    2 is for what the user has to put right, 1 for what failed on the way, 130 for Ctrl-C. A
    command that did its work, but could not read some of the files, gives 3.
    """
    try:
        return command()
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USAGE
    except PetroStreamError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted: {interrupted}\n")
        return EXIT_INTERRUPTED
