"""Events are read once, as many at a time as a visitor waits for, and never without bound."""

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.curated import annotation_reader as said_module
from dashboard.curated import event_reader as reader
from dashboard.curated.annotation_reader import AnnotationReader
from dashboard.curated.event_reader import EventReader
from dashboard.curated.snapshot import ScoredObject
from petrostream.alarms import events
from petrostream.alarms.annotations import Annotation, AnnotationKind
from petrostream.alarms.events import Event
from petrostream.aws.buckets import StoredObject
from petrostream.errors import ObjectMissing, ServiceUnavailable
from petrostream.schema.keys import BatchId
from petrostream.scoring.score_batch import Counts

START = datetime(2026, 11, 21)
SECOND = 1_000_000


class Documents:
    """Event documents in memory; tells which were read."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.read: list[str] = []
        self.is_down = False

    def get(self, key: str, *, at_most: int) -> StoredObject:
        if self.is_down:
            raise ServiceUnavailable("AWS can't be reached")
        self.read.append(key)
        if key not in self.bodies:
            raise ObjectMissing("it does not exist")
        return StoredObject(self.bodies[key], "", START)


def scored(number: int, *, well: str = "WELL-1") -> ScoredObject:
    first = START + timedelta(hours=number)
    batch = BatchId(well, f"{well}_r", first)
    return ScoredObject(batch, START, Counts(0, 600, 0, 9), first, first + timedelta(minutes=10))


def document(of: ScoredObject, *, well: str = "WELL-1", runs: int = 1) -> bytes:
    begin = int((of.first - datetime(1970, 1, 1)).total_seconds()) * SECOND
    found = [
        Event(
            well=well,
            recording=of.batch.recording,
            start=begin + run,
            end=begin + run,
            peak=begin + run,
            peak_score=1.5,
            rows=1,
            sensors={"P-TPT": 100},
        )
        for run in range(runs)
    ]
    return events.to_json(found, model_version="m", gap_seconds=0)


@pytest.fixture
def documents() -> Documents:
    return Documents()


def many(documents: Documents, number: int) -> list[ScoredObject]:
    objects = [scored(each) for each in range(number)]
    documents.bodies |= {each.batch.events: document(each) for each in objects}
    return objects


def finished(events_: EventReader) -> None:
    assert events_._running is not None
    events_._running.result()


def test_a_document_is_read_once_and_again_where_its_batch_was_scored_anew(
    documents: Documents,
) -> None:
    objects, events_ = many(documents, 3), EventReader(documents)
    assert len(events_.of(objects).events) == 3
    events_.of(objects)
    assert len(documents.read) == 3
    anew = [*objects[:2], replace(objects[2], modified=START + timedelta(days=1))]
    events_.of(anew)
    assert documents.read[3:] == [objects[2].batch.events]


def test_what_takes_long_is_read_in_the_background_the_first_ones_at_once(
    documents: Documents,
) -> None:
    objects, events_ = many(documents, 200), EventReader(documents)
    found = events_.of(objects, at_once=10)
    assert found.unread == 190
    assert {each.start for each in found.events} >= {
        each.start for each in events_.of(objects[:10]).events
    }
    finished(events_)
    found = events_.of(objects, at_once=10)
    assert (len(found.events), found.unread) == (200, 0)
    assert len(documents.read) == 200


def test_an_outage_in_the_background_is_no_fault_and_is_tried_again(documents: Documents) -> None:
    objects, events_ = many(documents, 3), EventReader(documents)
    documents.is_down = True
    assert events_.of(objects, at_once=0).unread == 3
    finished(events_)
    documents.is_down = False
    assert events_.of(objects, at_once=0).unread == 3
    finished(events_)
    assert events_.of(objects, at_once=0).unread == 0


def test_an_outage_is_raised_where_it_is_waited_for(documents: Documents) -> None:
    documents.is_down = True
    with pytest.raises(ServiceUnavailable):
        EventReader(documents).of([scored(1)])


def test_what_can_not_be_read_is_named_with_why_and_the_rest_is_there(
    documents: Documents,
) -> None:
    objects, events_ = many(documents, 3), EventReader(documents)
    damaged, foreign, _ = (each.batch.events for each in objects)
    documents.bodies[damaged] = b"{"
    documents.bodies[foreign] = document(objects[1], well="WELL-2")
    found = events_.of(objects)
    assert len(found.events) == 1
    unreadable = sorted(events_.unreadable, key=lambda each: each.key)
    assert [each.key for each in unreadable] == [damaged, foreign]
    assert "another recording" in unreadable[1].reason


def test_a_batch_without_a_document_has_no_event(documents: Documents) -> None:
    events_ = EventReader(documents)
    found = events_.of([scored(1)])
    assert (found.events, events_.unreadable, found.unread) == ((), (), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"start": "x"},
        {"start": 10**30, "peak": 10**30, "end": 10**30},
        {"end": 0},
        {"sensors": None},
        {"sensors": {"P-TPT": "much"}},
        {"limits": [1]},
        {"peak_score": None},
        {"peak_score": float("nan")},
        {"opens": "no"},
        {"well": ["WELL-1"]},
        {"rows": True},
    ],
)
def test_a_run_of_other_types_is_a_document_that_can_not_be_read(
    documents: Documents, change: dict[str, object]
) -> None:
    objects, events_ = many(documents, 2), EventReader(documents)
    key = objects[0].batch.events
    damaged = json.loads(documents.bodies[key])
    damaged["runs"][0] |= change
    documents.bodies[key] = json.dumps(damaged).encode()
    assert len(events_.of(objects).events) == 1
    assert [each.key for each in events_.unreadable] == [key]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b"[]",
        b'{"format":2,"merge_gap_seconds":1e999,"runs":[]}',
        b'{"format":2,"merge_gap_seconds":60,"runs":[7]}',
        b'{"format":2,"merge_gap_seconds":60,"runs":{}, "model_version": "\xff"}',
    ],
)
def test_what_is_no_document_is_named(documents: Documents, body: bytes) -> None:
    objects, events_ = many(documents, 1), EventReader(documents)
    documents.bodies[objects[0].batch.events] = body
    assert events_.of(objects).events == ()
    assert len(events_.unreadable) == 1


def test_what_another_visitor_makes_forgotten_meanwhile_is_shown_all_the_same(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_RUNS", 20)
    objects, events_ = many(documents, 40), EventReader(documents)
    other = scored(500)
    documents.bodies[other.batch.events] = document(other)
    events_.of(objects[:8])
    fetch = events_._fetch

    def fetch_as_others_do(wanted: list[ScoredObject], *, asked: int) -> dict[str, Any]:
        there = fetch(wanted, asked=asked)
        fetch([other], asked=1)
        return there

    monkeypatch.setattr(events_, "_fetch", fetch_as_others_do)
    found = events_.of(objects)
    assert (len(found.events), found.unread) == (40, 0)
    assert len(events_._known) < 40


def test_what_is_remembered_is_bounded_by_its_runs(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_RUNS", 20)
    objects, events_ = many(documents, 40), EventReader(documents)
    documents.bodies[objects[39].batch.events] = document(objects[39], runs=50)
    for each in objects[:39]:
        events_.of([each])
    assert len(events_._known) == 10, "a document and its run count for two"
    events_.of(objects[39:])
    assert list(events_._known) == [objects[39].key]
    assert events_._runs == 50


def test_as_many_as_are_asked_for_at_once_are_kept(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a page that shows all alarms would read all of them with every look."""
    monkeypatch.setattr(reader, "MOST_RUNS", 20)
    objects, events_ = many(documents, 40), EventReader(documents)
    for _ in range(3):
        assert len(events_.of(objects).events) == 40
    assert len(documents.read) == 40


class Notes:
    """Annotations that may be unreachable; counts the looks."""

    def __init__(self) -> None:
        self.said = [Annotation("W", "r", 0, 1, AnnotationKind.ACKNOWLEDGED, "Ana", START)]
        self.looks = 0
        self.is_down = False

    def read(self) -> list[Annotation]:
        if self.is_down:
            raise ServiceUnavailable("AWS can't be reached")
        self.looks += 1
        return list(self.said)


def test_what_was_said_is_read_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes()
    said = AnnotationReader(notes)
    assert said.lately(10) == notes.said
    assert said.lately(10) == notes.said
    assert notes.looks == 1
    notes.said.append(notes.said[0])
    assert said.now() == notes.said, "who wants it now gets it"
    assert said.lately(10) == notes.said
    assert notes.looks == 2
    monkeypatch.setattr(said_module, "_EVERY_SECONDS", -1.0)
    said.lately(10)
    said._running.result()
    assert notes.looks == 3


def test_what_was_said_stays_known_where_it_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(said_module, "_EVERY_SECONDS", -1.0)
    notes = Notes()
    notes.is_down = True
    said = AnnotationReader(notes)
    assert said.lately(10) is None
    notes.is_down = False
    assert said.lately(10) == notes.said
    notes.is_down = True
    assert said.lately(10) == notes.said


def test_a_slow_look_does_not_replace_what_a_later_one_has_found() -> None:
    class Slow(Notes):
        """Its first look begins before something is said, and ends after it was read."""

        def __init__(self) -> None:
            super().__init__()
            self.began, self.may_end = threading.Event(), threading.Event()

        def read(self) -> list[Annotation]:
            found = super().read()
            if self.looks == 1:
                self.began.set()
                self.may_end.wait(30)
            return found

    notes = Slow()
    said = AnnotationReader(notes)
    assert said.lately(0) is None
    assert notes.began.wait(30)
    notes.said.append(notes.said[0])
    assert len(said.now()) == 2
    notes.may_end.set()
    said._running.result()
    assert said.lately(0) == notes.said
