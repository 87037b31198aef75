"""The events of batches, read from their documents: the one reader of all pages."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from dashboard.curated.snapshot import ScoredObject, Snapshot
from dashboard.curated.unreadable import Unreadable, unreadable_reason
from petrostream.alarms import events
from petrostream.alarms.events import Event
from petrostream.aws.buckets import Bucket
from petrostream.errors import ObjectMissing, PermanentError, PetroStreamError

MOST_RUNS: Final = 50_000
"""So many runs are remembered, or those that a page asks for at once; each takes 1 KiB."""

_PARALLEL: Final = 8
_STEP: Final = 32


@dataclass(frozen=True, slots=True)
class Found:
    """Events of some batches, and of how many the documents are unread yet."""

    events: tuple[Event, ...]
    unread: int = 0


@dataclass(frozen=True, slots=True)
class _Document:
    """What a batch's document holds, or why it can't be read; `modified` is the batch's."""

    modified: datetime
    runs: tuple[Event, ...] = ()
    gap_seconds: int = 0
    fault: Unreadable | None = None


class EventReader:
    """Reads the events of batches; documents are remembered. Safe to share between threads.

    What reads raises `ServiceUnavailable` where AWS does not do its part.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: OrderedDict[str, _Document] = OrderedDict()
        self._runs = 0
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._running: Future[None] | None = None

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The documents that could not be read so far."""
        with self._lock:
            return tuple(each.fault for each in self._known.values() if each.fault)

    def read(self, snapshot: Snapshot, places: np.ndarray | None = None) -> Found:
        """Join the runs of some batches; without `places`, of all.

        Only batches in which an alarm was on have events, so that nothing has to be listed.
        """
        alarming = alarming_places(snapshot)
        if places is None:
            return self.of(snapshot.once("alarming", lambda: snapshot.chosen(alarming)))
        return self.of(snapshot.chosen(np.intersect1d(alarming, places)))

    def of(
        self, objects: Sequence[ScoredObject], *, at_once: int | None = None, later: bool = True
    ) -> Found:
        """Join the runs of some batches.

        With `at_once` only so many documents that are not known yet are read, the first ones;
        the others are read in the background, or not at all where `later` is false.
        """
        there, fresh = self._look_up(objects)
        now = fresh if at_once is None else fresh[:at_once]
        there |= self._fetch(now, asked=len(objects))
        rest = fresh[len(now) :]
        if rest and later:
            self._fetch_later(rest, asked=len(objects))
        with self._lock:
            earlier = {each.key: self._known.get(each.key) for each in rest}
        found = [there.get(each.key) or earlier[each.key] for each in objects]
        known = [each for each in found if each is not None]
        gap = max((each.gap_seconds for each in known), default=0)
        return Found(
            events=tuple(events.join([run for each in known for run in each.runs], gap)),
            unread=len(rest),
        )

    def _look_up(
        self, objects: Iterable[ScoredObject]
    ) -> tuple[dict[str, _Document], list[ScoredObject]]:
        """Documents by key, which count as used just now, and the batches of all others."""
        there, fresh = {}, []
        with self._lock:
            for each in objects:
                known = self._known.get(each.key)
                if known is None or known.modified != each.modified:
                    fresh.append(each)
                else:
                    self._known.move_to_end(each.key)
                    there[each.key] = known
        return there, fresh

    def _fetch(self, objects: Sequence[ScoredObject], *, asked: int) -> dict[str, _Document]:
        """Read documents and remember them; gives all, whatever is forgotten meanwhile."""
        there: dict[str, _Document] = {}
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for start in range(0, len(objects), _STEP):
                with self._turn:
                    known, step = self._look_up(objects[start : start + _STEP])
                    there |= known
                    for each, document in zip(step, pool.map(self._get, step), strict=True):
                        self._remember(each.key, document, asked)
                        there[each.key] = document
        return there

    def _fetch_later(self, objects: Sequence[ScoredObject], *, asked: int) -> None:
        def fetch() -> None:
            with suppress(PetroStreamError):  # the next look asks again
                self._fetch(objects, asked=asked)

        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._worker.submit(fetch)

    def _remember(self, key: str, document: _Document, asked: int) -> None:
        """Keep a document; those used longest ago go, but never one of so many asked for."""
        with self._lock:
            before = self._known.pop(key, None)
            self._runs += len(document.runs) - (len(before.runs) if before else 0)
            self._known[key] = document
            while self._runs + len(self._known) > MOST_RUNS and len(self._known) > asked:
                _, gone = self._known.popitem(last=False)
                self._runs -= len(gone.runs)

    def _get(self, scored: ScoredObject) -> _Document:
        batch = scored.batch
        try:
            runs, gap = events.from_json(
                self._bucket.get(batch.events, at_most=events.MOST_BYTES).body
            )
        except ObjectMissing:
            return _Document(scored.modified)
        except PermanentError as error:
            return _Document(
                scored.modified, fault=Unreadable(batch.events, unreadable_reason(error))
            )
        if any((run.well, run.recording) != (batch.well, batch.recording) for run in runs):
            fault = Unreadable(batch.events, "it holds events of another recording")
            return _Document(scored.modified, fault=fault)
        return _Document(scored.modified, tuple(runs), gap)


def alarming_places(snapshot: Snapshot) -> np.ndarray:
    """The places of the batches in which an alarm was on."""
    return np.flatnonzero(snapshot.batches["figures"]["alarms"] > 0)
