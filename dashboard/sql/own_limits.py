"""What the process of a query takes from itself before it sees the query's text.

Limits of the operating system, which no SQL can lift. They need no privilege: a process may always
lower its own.
"""

import resource
from pathlib import Path
from typing import Final

_MEMORY_OF_PROCESS: Final = Path("/proc/self/statm")


def limit_myself(memory_bytes: int, cpu_seconds: int) -> None:
    """Take all limits; what is open stays open, and nothing is opened after that.

    Parameters
    ----------
    memory_bytes
        What may be taken besides the address space of now. macOS does not hold a process to it.
    cpu_seconds
        Time of all threads together.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, cpu_seconds)
    _lower(resource.RLIMIT_FSIZE, 0)
    if _MEMORY_OF_PROCESS.exists():
        pages = int(_MEMORY_OF_PROCESS.read_text().split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory_bytes)
    _lower(resource.RLIMIT_NOFILE, 0)


def _lower(kind: int, to: int) -> None:
    _, hard = resource.getrlimit(kind)
    lowest = to if hard == resource.RLIM_INFINITY else min(to, hard)
    above = lowest + 1 if kind == resource.RLIMIT_CPU else lowest  # first a signal that tells why
    resource.setrlimit(
        kind, (lowest, above if hard == resource.RLIM_INFINITY else min(above, hard))
    )
