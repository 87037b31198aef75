"""Alarms of the newest time: how many, and how many of them nobody has acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dashboard.alarms import Alarm, with_context
from dashboard.events import Events, alarming_places
from dashboard.fleet import Well
from dashboard.snapshot import Snapshot
from petrostream.annotations import Annotation

AT_ONCE: Final = 60
"""So many event documents are read while the visitor waits, the others in the background."""

_ALARMS: Final = 10
_MOST_BATCHES: Final = 960


@dataclass(frozen=True, slots=True)
class Tally:
    """Alarms of some batches; `is_open` counts those that nobody has acknowledged.

    `unread` is how many batches' documents are still being read.
    """

    alarms: int
    is_open: int
    unread: int


def count_alarms(
    events: Events,
    snapshot: Snapshot,
    wells: Sequence[Well],
    said: Sequence[Annotation],
    *,
    wait: bool,
) -> Tally:
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
    alarms = with_context(found.events, {}, said)
    return Tally(len(alarms), sum(alarm.standing.is_open for alarm in alarms), found.unread)


def newest_alarms(events: Events, snapshot: Snapshot) -> list[Alarm]:
    """The newest alarms, each read back to the batch in which it opened, if that is not far."""
    places = _newest_first(snapshot, alarming_places(snapshot))
    number = AT_ONCE
    while True:
        found = events.of(snapshot.chosen(places[:number])).events
        newest = sorted(map(Alarm, found), key=lambda each: each.end)[::-1][:_ALARMS]
        is_whole = all(each.event.opens for each in newest)
        if is_whole or number >= min(len(places), _MOST_BATCHES):
            return newest
        number *= 2


def _of_wells(snapshot: Snapshot, wells: Sequence[Well]) -> np.ndarray:
    alarming = alarming_places(snapshot)
    bounds = [
        np.searchsorted(alarming, [well.places.start, well.places.stop]).tolist() for well in wells
    ]
    return np.concatenate([alarming[first:last] for first, last in bounds])


def _newest_first(snapshot: Snapshot, places: np.ndarray) -> np.ndarray:
    return places[np.argsort(snapshot.table["last_alarm"].to_numpy()[places])[::-1]]
