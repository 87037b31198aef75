"""How much time must be left before another object is begun.

An invocation that is ended by force takes along what it has not finished; one that stops in time
leaves it to the queue. So what is kept fits the slowest object that is legal, and the one that
takes longest to be given up, at the share of a processor that the function really has.
"""

from typing import Final

from petrostream.ingest.isolation import TRIES, WALL_SECONDS

SLOWEST_CPU_SECONDS: Final = 15.0
"""CPU time for the slowest legal object, with room to spare: 200,000 rows of 28 sensors with a
score for each took 6 to 9 s."""

MEGABYTES_OF_A_PROCESSOR: Final = 1769
"""With so much memory, Lambda gives a function one whole processor."""

_CALLS_SECONDS: Final = 2.0
"""For what is read from and written to AWS."""


def slowest_seconds(memory_mb: int) -> float:
    """How long the slowest object may take in a function with so much memory."""
    share = min(1.0, memory_mb / MEGABYTES_OF_A_PROCESSOR)
    return max(SLOWEST_CPU_SECONDS / share, TRIES * WALL_SECONDS) + _CALLS_SECONDS


def seconds_to_keep(memory_mb: int, whole_seconds: float) -> float:
    """How many seconds of an invocation's `whole_seconds` are no time to begin another object.

    Half of them at most, so that an invocation that is too short does what it can.
    """
    return min(slowest_seconds(memory_mb), whole_seconds / 2)
