"""Alarms of the newest time: how many, and how many of them nobody has acknowledged."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from dashboard.alarms.alarm import Alarm, with_context
from dashboard.curated.event_reader import EventReader, alarming_places
from dashboard.curated.snapshot import FIRST, LAST, Snapshot
from dashboard.wells.status import WellState, WellStatus
from petrostream.alarms.annotations import Annotation
from petrostream.errors import ServiceUnavailable

AT_ONCE: Final = 60
"""So many event documents are read while the visitor waits, the others in the background."""

_ALARMS: Final = 10
_MOST_BATCHES: Final = 960


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """Alarms of some batches; `is_open` counts those that nobody has acknowledged.

    `unread` is how many batches' documents are still being read.
    """

    alarms: int
    is_open: int
    unread: int


def count_alarms(
    events: EventReader,
    snapshot: Snapshot,
    wells: Sequence[WellStatus],
    annotations: Sequence[Annotation],
    *,
    wait: bool,
) -> AlarmCounts:
    """Count the alarms of the wells' newest time, as far as documents are known.

    With `wait` some more are read now, and the rest in the background once all is listed.
    """
    objects = snapshot.once(
        ("alarming", *(well.places.start for well in wells)),
        lambda: snapshot.chosen(_newest_first(snapshot, _of_wells(snapshot, wells))),
    )
    found = events.of(
        objects, at_once=AT_ONCE if wait else 0, later=wait and not snapshot.pending[0]
    )
    alarms = with_context(found.events, {}, annotations)
    return AlarmCounts(len(alarms), sum(alarm.standing.is_open for alarm in alarms), found.unread)


def newest_alarms(events: EventReader, snapshot: Snapshot) -> list[Alarm]:
    """The alarms that were on last, the one that began last first; each is read back to the batch
    in which it opened, if that is not far.
    """
    places = _newest_first(snapshot, alarming_places(snapshot))

    def read(number: int) -> tuple[list[Alarm], bool]:
        found = events.of(snapshot.chosen(places[:number])).events
        newest = sorted(map(Alarm, found), key=lambda each: each.end)[::-1][:_ALARMS]
        return newest, number >= len(places) or all(each.event.opens for each in newest)

    newest = _read_on(read, (AT_ONCE, *_doubled(2 * AT_ONCE, _MOST_BATCHES)))
    return sorted(newest, key=lambda each: each.start, reverse=True)


def began(
    events: EventReader, snapshot: Snapshot, wells: Sequence[WellStatus]
) -> dict[str, datetime]:
    """When each well in alarm came into it, to the second (UTC without a zone), by its name.

    The document of the batch that the state began with tells, of all wells at once. A well whose
    document can't be had is left out.
    """
    in_alarm = [well for well in wells if well.state is WellState.ALARM]
    firsts = snapshot.table[FIRST].to_numpy()
    opening = [
        own[firsts[own] == np.datetime64(well.since)]
        for well in in_alarm
        for own in _bounded(snapshot, [snapshot.of_well(well.name)])
    ]
    if not opening:
        return {}
    try:
        found = events.of(snapshot.chosen(np.concatenate(opening))).events
    except ServiceUnavailable:
        return {}
    return {each.well: Alarm(each).start for each in sorted(found, key=lambda each: each.start)}


def alarms_between(
    events: EventReader, snapshot: Snapshot, well: str, start: datetime, end: datetime
) -> list[Alarm]:
    """A well's alarms that were on between two times (UTC without a zone), whole ones.

    Of the batches before and after, only those are read in which these alarms are on.
    """
    [own] = _bounded(snapshot, [snapshot.of_well(well)])
    firsts, lasts = (snapshot.table[name].to_numpy()[own] for name in (FIRST, LAST))
    inside = np.flatnonzero((firsts <= np.datetime64(end)) & (lasts >= np.datetime64(start)))
    if not len(inside):
        return []

    def read(more: int) -> tuple[list[Alarm], bool]:
        begin, stop = max(inside[0] - more, 0), min(inside[-1] + 1 + more, len(own))
        found = map(Alarm, events.of(snapshot.chosen(own[begin:stop])).events)
        on = [each for each in found if each.start <= end and each.end >= start]
        is_whole = all(
            (begin == 0 or each.event.opens or each.start > lasts[begin])
            and (stop == len(own) or each.end < firsts[stop - 1])
            for each in on
        )
        return on, is_whole

    return _read_on(read, (0, *_doubled(1, 2 * len(own))))


def _read_on(
    read: Callable[[int], tuple[list[Alarm], bool]], numbers: Iterable[int]
) -> list[Alarm]:
    """Read alarms of more and more batches until they are whole, or the numbers are used up."""
    found: list[Alarm] = []
    for number in numbers:
        found, is_whole = read(number)
        if is_whole:
            break
    return found


def _doubled(first: int, most: int) -> Iterator[int]:
    while first <= most:
        yield first
        first *= 2


def _of_wells(snapshot: Snapshot, wells: Sequence[WellStatus]) -> np.ndarray:
    return np.concatenate(_bounded(snapshot, [well.places for well in wells]))


def _bounded(snapshot: Snapshot, places: Sequence[slice]) -> list[np.ndarray]:
    """The alarming batches' places within each slice."""
    alarming = alarming_places(snapshot)
    bounds = [np.searchsorted(alarming, [each.start, each.stop]).tolist() for each in places]
    return [alarming[first:last] for first, last in bounds]


def _newest_first(snapshot: Snapshot, places: np.ndarray) -> np.ndarray:
    return places[np.argsort(snapshot.table["last_alarm"].to_numpy()[places])[::-1]]
