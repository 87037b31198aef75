"""What is wrong with how a reader reads bytes from outside."""

import signal
import time
from collections.abc import Callable

import numpy as np

from petrostream.errors import PetroStreamError

MOST_SECONDS = 2.0


def fault_of(read: Callable[[bytes], object], data: bytes) -> str:
    """What is wrong with how bytes are read; empty if nothing is.

    They may be read, or refused in a line that can be shown, within `MOST_SECONDS` of CPU time.
    """
    began = time.process_time()
    signal.setitimer(signal.ITIMER_REAL, 20 * MOST_SECONDS)  # one that hangs dies of it
    try:
        with np.errstate(all="ignore"):
            read(data)
    except PetroStreamError as error:
        if not str(error).strip() or not str(error).isprintable():
            return f"not a sentence: {str(error)!r}"
    except Exception as error:  # noqa: BLE001 - whatever else comes out is the finding
        return f"{type(error).__name__}: {str(error)[:200]!r}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.process_time() - began
    return f"{seconds:.1f} s of CPU time" if seconds > MOST_SECONDS else ""
