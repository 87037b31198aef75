"""What goes wrong in a chaos run and when: the same plan for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Disturbance(StrEnum):
    """What is done to the processes, or to the queue."""

    KILL_WORKER = "a worker is killed"
    END_WORKER = "a worker is told to end"
    KILL_HANDLER = "a handler is killed"
    PAUSE_HANDLER = "a handler stands still"
    PAUSE_WORKER = "a worker stands still"
    PAUSE_SERVER = "AWS stands still"
    SECOND_WORKER = "a second worker comes"
    KILL_PRODUCER = "the producer is killed"
    DELIVER_AGAIN = "a message comes again"
    BAD_OBJECT = "an object is no batch"


_OFTEN = (
    Disturbance.KILL_WORKER,
    Disturbance.KILL_HANDLER,
    Disturbance.SECOND_WORKER,
    Disturbance.DELIVER_AGAIN,
)
_GAP_SECONDS = (1.0, 3.5)
_PAUSE_SECONDS = (0.3, 2.5)


@dataclass(frozen=True)
class Step:
    """One disturbance: how long after the one before, which of several it meets, how long."""

    after_seconds: float
    kind: Disturbance
    which: float
    pause_seconds: float


def steps(seed: int) -> Iterator[Step]:
    """The steps of a seed, without end; every kind is among the first of them."""
    draw = random.Random(f"steps {seed}")
    first = draw.sample(list(Disturbance), len(Disturbance))
    while True:
        kind = first.pop() if first else draw.choice([*Disturbance, *_OFTEN])
        yield Step(draw.uniform(*_GAP_SECONDS), kind, draw.random(), draw.uniform(*_PAUSE_SECONDS))


class FaultyAnswer(StrEnum):
    """What becomes of a request on its way, or of its answer."""

    REFUSED = "closed before"
    SLOW_DOWN = "503 before"
    CLOSED = "closed after"
    INTERNAL = "500 after"
    CUT_IN_HEAD = "cut in its head"
    CUT_IN_BODY = "cut in its body"


def faulty_answers(seed: int, share: float) -> Iterator[FaultyAnswer | None]:
    """For each request in turn what goes wrong with it; `None` mostly."""
    draw = random.Random(f"answers {seed}")
    while True:
        yield draw.choice(list(FaultyAnswer)) if draw.random() < share else None
