"""Alarms are shown whole, and of the well's history only what they take is read."""

from datetime import datetime, timedelta

import pytest

from dashboard.alarms.recent import alarms_between, began
from dashboard.curated.event_reader import EventReader
from dashboard.curated.snapshot import Snapshot
from dashboard.wells.status import wells_of
from petrostream.alarms import events
from petrostream.alarms.events import Event
from tests.unit.dashboard.curated.test_event_reader import SECOND, Documents
from tests.unit.dashboard.wells.test_status import BATCH_MINUTES, START, batch, flagged, snapshot

NUMBER = 400
HOUR = 60 // BATCH_MINUTES


@pytest.fixture
def documents() -> Documents:
    return Documents()


def always(documents: Documents, *alarms: tuple[int, int]) -> Snapshot:
    """A well whose batches all have rows in alarm; those of the alarms (first and last) join."""
    made = snapshot(A=[flagged(each) for each in range(NUMBER)])
    for first, last in alarms:
        for number in range(first, last + 1):
            [scored] = made.chosen(slice(number, number + 1))
            begin = int((scored.first - datetime(1970, 1, 1)).total_seconds()) * SECOND
            run = Event(
                well="A",
                recording=scored.batch.recording,
                start=begin,
                end=begin + 599 * SECOND,
                peak=begin,
                peak_score=1.5,
                rows=600,
                sensors={"P-TPT": 100},
                opens=number == first,
            )
            documents.bodies[scored.batch.events] = events.to_json(
                [run], model_version="m", gap_seconds=600
            )
    return made


def shown(documents: Documents, known: Snapshot, number: int) -> list[tuple[int, int]]:
    """First and last batch of the alarms in the hour that begins with a batch."""
    start = START + timedelta(minutes=number * BATCH_MINUTES)
    end = start + timedelta(minutes=HOUR * BATCH_MINUTES - 1)
    found = alarms_between(EventReader(documents), known, "A", start, end)
    return [
        tuple(
            int((time - START).total_seconds() // 60 // BATCH_MINUTES)
            for time in (each.start, each.end)
        )
        for each in found
    ]


def test_of_a_long_history_the_chosen_time_is_read_alone(documents: Documents) -> None:
    known = always(documents, (100, 100), (203, 203), (300, 300))
    assert shown(documents, known, 200) == [(203, 203)]
    assert len(documents.read) == HOUR


@pytest.mark.parametrize("alarm", [(203, 240), (150, 203), (150, 240), (0, NUMBER - 1)])
def test_an_alarm_that_goes_on_outside_is_whole(
    documents: Documents, alarm: tuple[int, int]
) -> None:
    assert shown(documents, always(documents, alarm), 200) == [alarm]
    batches = alarm[1] - alarm[0] + 1
    assert len(documents.read) <= min(4 * batches, NUMBER)


def test_an_alarm_whose_beginning_is_lost_is_not_looked_for_in_the_whole_history(
    documents: Documents,
) -> None:
    known = always(documents, (190, 203))
    for scored in known.chosen(slice(190, 198)):
        del documents.bodies[scored.batch.events]
    assert shown(documents, known, 200) == [(198, 203)]
    assert len(documents.read) < 4 * HOUR


def test_a_time_without_an_alarm_takes_no_document(documents: Documents) -> None:
    known = snapshot(A=[batch(each) for each in range(10)], B=[flagged(each) for each in range(10)])
    assert (
        alarms_between(EventReader(documents), known, "A", START, START + timedelta(days=1)) == []
    )
    assert documents.read == []


@pytest.mark.parametrize("span", [timedelta(hours=1), timedelta(days=30), None])
def test_an_alarm_began_with_its_first_row_however_short_the_shown_time_is(
    documents: Documents, span: timedelta | None
) -> None:
    known = snapshot(A=[batch(0), *(flagged(each) for each in range(1, 40))], B=[batch(39)])
    [opening] = known.chosen(slice(1, 2))
    begin = int((opening.first - datetime(1970, 1, 1)).total_seconds()) * SECOND
    late = Event(
        well="A",
        recording=opening.batch.recording,
        start=begin + 141 * SECOND,
        end=begin + 599 * SECOND,
        peak=begin + 141 * SECOND,
        peak_score=1.5,
        rows=459,
        sensors={"P-TPT": 100},
        opens=True,
    )
    documents.bodies[opening.batch.events] = events.to_json(
        [late], model_version="m", gap_seconds=600
    )
    found = began(EventReader(documents), known, wells_of(known, span))
    assert found == {"A": opening.first + timedelta(seconds=141)}
    assert len(documents.read) == 1
