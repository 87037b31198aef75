"""One key is written twice while both messages are at work, in every order of their calls: what
is curated is of the object that is there last.

Two functions run in threads, one at a time; a schedule says who makes the next call.
"""

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from petrostream.alarms import events, notify
from petrostream.alarms.notify import Alerts
from petrostream.detection import profiles
from petrostream.documents import Bounds
from petrostream.errors import ObjectReplaced, TransientError
from petrostream.ingest.batches import Batch, cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model
from petrostream.schema.keys import (
    EVENTS,
    QUARANTINE,
    REASON_SUFFIX,
    SCORED,
    SUMMARIES,
    parse_batch_key,
    second_of,
)
from petrostream.schema.sensors import BY_NAME
from petrostream.scoring.pipeline import Disposition, Outcome, Pipeline
from petrostream.scoring.score_batch import score_batch
from tests.support.memory import MemoryBucket, etag_of

PARQUET = "application/vnd.apache.parquet"
FIRST, SECOND = "first", "second"
CALLS = 12
"""No function makes more calls than that for an object that stays; the test checks it."""


class Killed(BaseException):
    """The process of a function ends; nothing of it goes on."""


@dataclass
class Place:
    """Buckets, and functions that are interrupted before each of their calls."""

    model: Model
    raw: MemoryBucket = field(default_factory=lambda: MemoryBucket("raw"))
    curated: MemoryBucket = field(default_factory=lambda: MemoryBucket("curated"))
    sent: list[str] = field(default_factory=list)
    days: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.curated.others["raw"] = self.raw

    def function(self, before: Callable[[], None] = lambda: None) -> Pipeline:
        curated = self.curated.seen_by(before)
        sns: Any = SimpleNamespace(publish=lambda **said: self.sent.append(said["Message"]))
        current: Any = SimpleNamespace(get=lambda: self.model)
        raw: Any = self.raw.seen_by(before)
        partitions: Any = SimpleNamespace(announce=lambda well, day: self.days.add((well, day)))
        return Pipeline(raw, curated, current, Alerts(curated, "topic", sns), partitions)

    def copied(self) -> "Place":
        place = Place(self.model)
        place.raw.bodies |= self.raw.bodies
        place.curated.bodies |= self.curated.bodies
        place.curated.said |= self.curated.said
        return place

    def results(self) -> dict[str, bytes]:
        """What readers find: of several summaries of a batch they take the one written last."""
        bodies = self.curated.bodies
        newest = {key.rpartition("/")[0]: key for key in bodies if key.startswith(SUMMARIES)}
        keys = [key for key in bodies if key.startswith((SCORED, EVENTS))]
        return {key: bodies[key] for key in sorted([*keys, *newest.values()])}


class Turns:
    """Lets two functions make their calls one at a time, in the order of a schedule.

    The second one's object is written just before its first call.
    """

    def __init__(self, schedule: Iterable[str], upload: Callable[[], None]) -> None:
        self._schedule = iter(schedule)
        self._upload: Callable[[], None] | None = upload
        self._may = {FIRST: threading.Semaphore(0), SECOND: threading.Semaphore(0)}
        self._asks = threading.Semaphore(0)
        self._alive = {FIRST, SECOND}
        self.made = {FIRST: 0, SECOND: 0}

    def call(self, who: str) -> Callable[[], None]:
        def before() -> None:
            self.made[who] += 1
            self._asks.release()
            self._may[who].acquire()

        return before

    def run(self, works: dict[str, Callable[[], None]]) -> None:
        def body(who: str) -> None:
            self._may[who].acquire()
            works[who]()
            self._alive.discard(who)
            self._asks.release()

        threads = [threading.Thread(target=body, args=(who,), daemon=True) for who in works]
        for thread in threads:
            thread.start()
        while self._alive:
            who = next(self._schedule)
            if who not in self._alive:
                [who] = self._alive
            if who == SECOND and self._upload is not None:
                self._upload()
                self._upload = None
            self._may[who].release()
            self._asks.acquire()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def made(recordings: list[Recording], model: Model) -> tuple[Batch, dict[str, bytes]]:
    """A recording's first batch, and what may be written under one key of it."""
    for recording in recordings:
        batches = list(cut(recording))
        profile = profiles.learn(batches[0])
        opening = [
            batch
            for batch in batches[1:]
            if any(run.opens for run in score_batch(batch, profile, model).runs)
        ]
        if opening:
            break
    eventful = opening[0]
    quiet = replace(eventful, table=as_commissioned(eventful.table, batches[0].table))
    assert not score_batch(quiet, profile, model).runs
    bodies = {
        "eventful": encode(eventful),
        "quiet": encode(quiet),
        "bad": b"no Parquet",
        "worse": b"no Parquet either",
        "key": eventful.id.raw.encode(),
    }
    return batches[0], bodies


def as_commissioned(table: pa.Table, first: pa.Table) -> pa.Table:
    """The rows with readings of the commissioning time."""
    places = pa.array(np.arange(table.num_rows) % first.num_rows)
    for position, name in enumerate(table.column_names):
        if name in BY_NAME:
            table = table.set_column(position, name, first.column(name).take(places))
    return table


def prepared(model: Model, first: Batch) -> Place:
    """A place where the recording's profile is learned already."""
    place = Place(model)
    place.raw.bodies[first.id.raw] = encode(first)
    assert place.function().process(RawObject(first.id.raw)).disposition is Disposition.SCORED
    return place


def announced(key: str, body: bytes) -> RawObject:
    return RawObject(key, len(body), etag_of(body))


def until_done(place: Place, message: RawObject) -> Outcome:
    """What the queue does with a message that failed or whose function died."""
    for _ in range(3):
        try:
            return place.function().process(message, redelivered=True)
        except TransientError:
            continue
    raise AssertionError("it never passes")


def few_switches() -> Iterator[list[str]]:
    """The first makes some calls, the second some, then the first to its end or some more."""
    for begun in range(CALLS):
        for meanwhile in range(1, CALLS):
            for more in (1, 2, 4, CALLS):
                yield [FIRST] * begun + [SECOND] * meanwhile + [FIRST] * more


def at_random() -> Iterator[list[str]]:
    dice = random.Random(63)
    for _ in range(150):
        yield [dice.choice([FIRST, SECOND]) for _ in range(3 * CALLS)]


def check_last_one_stands(place: Place, key: str, bodies: dict[str, bytes], last: str) -> None:
    reason = f"{QUARANTINE}{key}{REASON_SUFFIX}"
    aside = place.curated.bodies.get(f"{QUARANTINE}{key}")
    if last in {"bad", "worse"}:
        assert aside == bodies[last]
        assert json.loads(place.curated.bodies[reason])["key"] == key
    else:
        assert aside is None and reason not in place.curated.bodies, "it is scored by now"


def check_all_that_stands_is_told(place: Place, key: str) -> None:
    """Nobody hears of a day's rows, or of an alarm, by chance."""
    batch = parse_batch_key(key)
    assert (batch.scored in place.curated.bodies) <= (
        (batch.well, f"{batch.first_second:%Y-%m-%d}") in place.days
    ), "SQL does not find its rows"
    if batch.scored in place.curated.bodies and batch.events in place.curated.bodies:
        runs, _ = events.from_json(place.curated.bodies[batch.events])
        alerts = {json.loads(message)["start"] for message in place.sent}
        opened = {f"{second_of(run.start).isoformat()}Z" for run in runs if run.opens}
        assert opened <= alerts, "an alarm stands of which no alert went out"


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("before", "last"),
    [
        ("eventful", "quiet"),
        ("quiet", "eventful"),
        ("bad", "eventful"),
        ("eventful", "bad"),
        ("bad", "worse"),
    ],
)
def test_the_object_that_is_there_last_is_what_is_curated(
    model: Model, made: tuple[Batch, dict[str, bytes]], before: str, last: str
) -> None:
    first, bodies = made
    key = bodies["key"].decode()
    calm = prepared(model, first)
    calm.raw.bodies[key] = bodies[last]
    calm.function().process(announced(key, bodies[last]))
    start = prepared(model, first)
    undisturbed = calls_for(start.copied(), key, bodies[before])
    assert undisturbed <= CALLS
    begun_again = 0
    for schedule in chain(few_switches(), at_random()):
        place = start.copied()
        turns = race(place, schedule, key, bodies[before], bodies[last])
        if last not in {"bad", "worse"}:
            assert place.results() == calm.results(), schedule
        check_last_one_stands(place, key, bodies, last)
        check_all_that_stands_is_told(place, key)
        begun_again += turns.made[FIRST] > undisturbed
    assert begun_again, "no schedule made the first one begin again"


def race(place: Place, schedule: list[str], key: str, before: bytes, last: bytes) -> Turns:
    """Two functions, one on each object; what failed is delivered again afterwards."""
    place.raw.bodies[key] = before
    failed: list[RawObject] = []
    turns = Turns(
        chain(schedule, repeat(FIRST)), upload=lambda: place.raw.bodies.__setitem__(key, last)
    )

    def work(who: str, body: bytes) -> None:
        try:
            place.function(turns.call(who)).process(announced(key, body))
        except TransientError:
            failed.append(announced(key, body))

    turns.run({FIRST: lambda: work(FIRST, before), SECOND: lambda: work(SECOND, last)})
    for message in failed:
        until_done(place, message)
    return turns


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("before", "last"),
    [
        ("eventful", "quiet"),
        ("quiet", "eventful"),
        ("bad", "eventful"),
        ("eventful", "bad"),
        ("bad", "worse"),
    ],
)
def test_a_function_that_dies_over_an_older_object_spoils_nothing(
    model: Model,
    made: tuple[Batch, dict[str, bytes]],
    before: str,
    last: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has read the older object; the newer one is scored whole before one of its calls, and
    it dies before a later one. Its message comes again, minutes later."""
    monkeypatch.setattr(notify, "_CLAIM_SECONDS", 0.0)
    first, bodies = made
    key = bodies["key"].decode()
    calm = prepared(model, first)
    calm.raw.bodies[key] = bodies[last]
    calm.function().process(announced(key, bodies[last]))
    start = prepared(model, first)
    died = 0
    for other_at in range(CALLS):
        for dies_at in range(other_at, 2 * CALLS):
            place = start.copied()
            place.raw.bodies[key] = bodies[before]
            calls = iter(range(100))

            def interrupt(
                place: Place = place,
                calls: Iterator[int] = calls,
                other_at: int = other_at,
                dies_at: int = dies_at,
            ) -> None:
                call = next(calls)
                if call == other_at:
                    place.raw.bodies[key] = bodies[last]
                    until_done(place, announced(key, bodies[last]))
                if call == dies_at:
                    raise Killed

            message = announced(key, bodies[before])
            try:
                place.function(interrupt).process(message)
            except Killed:
                died += 1
                place.raw.bodies[key] = bodies[last]
                until_done(place, message)
                until_done(place, announced(key, bodies[last]))
            if place.raw.bodies[key] == bodies[last]:
                if last not in {"bad", "worse"}:
                    assert place.results() == calm.results(), (other_at, dies_at)
                check_last_one_stands(place, key, bodies, last)
            check_all_that_stands_is_told(place, key)
    assert died >= CALLS


@pytest.mark.usefixtures("remembered")
def test_what_was_set_aside_is_withdrawn_where_the_function_dies_over_a_better_object_too(
    model: Model, made: tuple[Batch, dict[str, bytes]]
) -> None:
    """The bad one was judged long ago; its replacement is announced for the first time."""
    first, bodies = made
    key = bodies["key"].decode()
    start = prepared(model, first)
    start.raw.bodies[key] = bodies["bad"]
    start.function().process(announced(key, bodies["bad"]))
    check_last_one_stands(start, key, bodies, "bad")
    start.raw.bodies[key] = bodies["quiet"]
    ended = 0
    for dies_at in range(2 * CALLS):
        place = start.copied()
        calls = iter(range(100))

        def interrupt(calls: Iterator[int] = calls, dies_at: int = dies_at) -> None:
            if next(calls) == dies_at:
                raise Killed

        try:
            place.function(interrupt).process(announced(key, bodies["quiet"]))
            ended += 1
        except Killed:
            until_done(place, announced(key, bodies["quiet"]))
        check_last_one_stands(place, key, bodies, "quiet")
    assert 0 < ended < 2 * CALLS


@pytest.mark.usefixtures("remembered")
def test_a_withdrawal_that_is_late_leaves_what_a_newer_object_deserves(
    model: Model, made: tuple[Batch, dict[str, bytes]]
) -> None:
    """Before each call of the withdrawal, a bad object takes the good one's place."""
    first, bodies = made
    key = bodies["key"].decode()
    start = prepared(model, first)
    start.raw.bodies[key] = bodies["bad"]
    start.function().process(announced(key, bodies["bad"]))
    start.raw.bodies[key] = bodies["quiet"]
    for again in (False, True):
        for other_at in range(2 * CALLS):
            place = start.copied()
            if again:  # it was scored before, and its function died before the withdrawal
                quarantined = {k: v for k, v in place.curated.bodies.items() if QUARANTINE in k}
                place.function().process(announced(key, bodies["quiet"]))
                place.curated.bodies |= quarantined
                place.curated.said |= {k: {} for k in quarantined}
            calls = iter(range(100))

            def interrupt(
                place: Place = place, calls: Iterator[int] = calls, other_at: int = other_at
            ) -> None:
                if next(calls) == other_at:
                    place.raw.bodies[key] = bodies["worse"]
                    place.function().process(announced(key, bodies["worse"]))

            place.function(interrupt).process(announced(key, bodies["quiet"]), redelivered=again)
            is_replaced = place.raw.bodies[key] == bodies["worse"]
            check_last_one_stands(place, key, bodies, "worse" if is_replaced else "quiet")


def test_an_object_that_is_replaced_all_the_time_is_left_to_the_queue(
    model: Model, made: tuple[Batch, dict[str, bytes]]
) -> None:
    first, bodies = made
    key = bodies["key"].decode()
    place = prepared(model, first)
    written = 0

    def replaced() -> None:
        nonlocal written
        written += 1
        place.raw.bodies[key] = bodies["quiet" if written % 2 else "eventful"]

    function = place.function()
    function._raw = place.raw.seen_by(replaced)
    with pytest.raises(ObjectReplaced, match="replaced faster"):
        function.process(RawObject(key))
    assert not place.sent, "an alert went out for what may not stand"
    assert written < CALLS


def test_a_batch_with_more_events_than_can_be_read_again_is_set_aside(
    model: Model, made: tuple[Batch, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, bodies = made
    key = bodies["key"].decode()
    place = prepared(model, first)
    monkeypatch.setattr(events, "_BOUNDS", Bounds(size=100))
    place.raw.bodies[key] = bodies["eventful"]
    outcome = place.function().process(announced(key, bodies["eventful"]))
    assert outcome.disposition is Disposition.QUARANTINED
    assert "cut the recording into shorter batches" in outcome.reason
    assert parse_batch_key(key).scored not in place.curated.bodies


def test_a_batch_costs_two_look_ups_more(
    model: Model, made: tuple[Batch, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the object is there still, and whether something was set aside under its key."""
    first, bodies = made
    key = bodies["key"].decode()
    start = prepared(model, first)
    found = calls_for(start.copied(), key, bodies["quiet"])
    monkeypatch.setattr(Pipeline, "_is_still_there", lambda *_: True)
    monkeypatch.setattr(Pipeline, "_release", lambda *_, **__: None)
    assert found == calls_for(start.copied(), key, bodies["quiet"]) + 2


def calls_for(place: Place, key: str, body: bytes) -> int:
    """How many calls a function makes for an object that stays."""
    place.raw.bodies[key] = body
    calls: list[None] = []
    place.function(lambda: calls.append(None)).process(announced(key, body))
    return len(calls)
