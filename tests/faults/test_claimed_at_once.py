"""Two producers meet over one recording's name, in every order of their calls: each reading is
uploaded once, and whoever comes second goes on or is told.

They run in threads, one at a time; a schedule says who makes the next call.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from petrostream.errors import UsageError
from petrostream.ingest.batches import decode
from petrostream.ingest.recordings import Recording, RecordingFile
from petrostream.schema.keys import CLAIMS, READINGS, parse_batch_key
from producer import schedule as schedule_module
from producer.progress import Progress
from producer.replay import Replay
from producer.schedule import Schedule
from producer.speed import Speed
from producer.upload import Uploader
from tests.support.memory import MemoryBucket

SECONDS = 25 * 60
CALLS = 5
"""A listing, a claim, one more that tells whether the store heeds conditions, two batches."""


class Turns:
    """Lets two producers make their calls one at a time, in the order of a schedule."""

    def __init__(self, schedule: Iterable[int]) -> None:
        self._schedule = iter(schedule)
        self._may = [threading.Semaphore(0), threading.Semaphore(0)]
        self._asks = threading.Semaphore(0)
        self._alive = {0, 1}
        self.made = [0, 0]

    def call(self, who: int) -> Callable[[], None]:
        def before() -> None:
            self.made[who] += 1
            self._asks.release()
            assert self._may[who].acquire(timeout=60)

        return before

    def run(self, works: Iterable[Callable[[], None]]) -> None:
        def body(who: int, work: Callable[[], None]) -> None:
            work()
            self._alive.discard(who)
            self._asks.release()

        threads = [
            threading.Thread(target=body, args=(who, work), daemon=True)
            for who, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
            assert self._asks.acquire(timeout=60)
        while self._alive:
            who = next(self._schedule, 0)
            if who not in self._alive:
                [who] = self._alive
            self._may[who].release()
            assert self._asks.acquire(timeout=60)
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def short(recordings: list[Recording]) -> Recording:
    """Two batches, of 10 as of 20 minutes, and of two sensors."""
    recording = recordings[0]
    within = recording.microseconds < recording.microseconds[0] + SECONDS * 10**6
    return replace(recording, table=recording.table.filter(within).select([0, 1, 2]))


def other_values(recording: Recording) -> Recording:
    table, last = recording.table, recording.rows - 1
    kept = np.arange(recording.rows) != last // 2
    return replace(recording, table=table.filter(kept))


def producer(
    bucket: MemoryBucket, recording: Recording, minutes: int, before: Callable[[], None]
) -> Replay:
    seen: Any = bucket.seen_by(before)
    file = RecordingFile(Path(str(id(recording))), recording.well, recording.recording, 0)
    replay = Replay([file], Schedule(60 * minutes, 900, 2700), Speed(float("inf")))
    with Progress("replaying", None) as progress:
        replay.run(OneByOne(seen, 1), progress)
    return replay


class OneByOne(Uploader):
    """Waits for each batch, so that a producer makes one call at a time."""

    def submit(self, due_batch: Any) -> Any:
        yield from super().submit(due_batch)
        yield from self.drain()


@pytest.mark.parametrize(
    ("minutes", "same_values"),
    [((10, 20), True), ((10, 10), True), ((10, 10), False)],
    ids=["another length", "the same", "other values"],
)
def test_each_reading_is_uploaded_once_whoever_calls_when(
    short: Recording, monkeypatch: pytest.MonkeyPatch, minutes: tuple[int, int], same_values: bool
) -> None:
    contents = [short, short if same_values else other_values(short)]
    by_path = {Path(str(id(each))): each for each in contents}
    monkeypatch.setattr(schedule_module, "read_recording", lambda file: by_path[file.path])
    agree = same_values and minutes[0] == minutes[1]
    won = set()
    for turns_of_first in combinations(range(2 * CALLS), CALLS):
        bucket = MemoryBucket("raw")
        turns = Turns(0 if turn in turns_of_first else 1 for turn in range(2 * CALLS))
        replays: dict[int, Replay] = {}

        def work(who: int, bucket=bucket, turns=turns, replays=replays) -> None:
            replays[who] = producer(bucket, contents[who], minutes[who], turns.call(who))

        turns.run([lambda: work(0), lambda: work(1)])
        assert max(turns.made) <= CALLS
        winners = [who for who in (0, 1) if not replays[who].refused]
        assert len(winners) == (2 if agree else 1)
        won.add(winners[0])
        assert len([key for key in bucket.bodies if key.startswith(CLAIMS)]) == 1
        assert (added(bucket) == contents[winners[0]].microseconds).all()
    assert agree or won == {0, 1}


def added(bucket: MemoryBucket) -> np.ndarray:
    batches = [
        decode(body, parse_batch_key(key))
        for key, body in bucket.bodies.items()
        if key.startswith(READINGS)
    ]
    return np.sort(np.concatenate([batch.microseconds[batch.lookback_rows :] for batch in batches]))


def test_a_store_that_heeds_no_condition_is_refused_before_a_batch(
    short: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overwriting(MemoryBucket):
        def seen_by(self, before: Callable[[], None]) -> MemoryBucket:
            return self

        def put_if_absent(self, *given: Any) -> bool:
            self.put(*given)
            return True

    monkeypatch.setattr(schedule_module, "read_recording", lambda _: short)
    bucket = Overwriting("raw")
    with pytest.raises(UsageError, match="two producers could upload a recording twice"):
        producer(bucket, short, 10, lambda: None)
    assert not [key for key in bucket.bodies if key.startswith(READINGS)]
