"""Follow the summaries of the curated bucket: list what is new, in the background.

A listing gives a thousand batches and takes 0.1 s on AWS, 0.5 s on the embedded one; a month of
thirty wells has 130,000. So nothing waits for all of it: dates are listed from the newest to the
oldest and shown as they come. Afterwards only the end of a date is listed: at each look of the
newest one, of those to which something was added lately, and of one other in turn; from time to
time one date in turn is listed as a whole. What an earlier dashboard has listed is taken
from its shelf, once the bucket has shown that it is still that one.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWorking
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from weakref import WeakSet

import numpy as np

from dashboard.curated.listing_cache import Shelf, Shelved
from dashboard.curated.snapshot import EMPTY, Snapshot, newest_versions, numbered, summary_key
from dashboard.curated.summary_listing import Listing
from petrostream.errors import TransientError
from petrostream.schema.keys import SUMMARIES

PARALLEL: Final = 4
FEW: Final = 2000
"""So many batches are listed anew each time: it takes two calls."""

_MANY_DATES: Final = 60
_HOT: Final = timedelta(minutes=15)
_LATE: Final = np.timedelta64(3600, "s")
"""How long after a later batch of its date a batch is still found at once."""

_DATES_EVERY_SECONDS: Final = 15.0
_WHOLE_EVERY_SECONDS: Final = 60.0
_UNCHECKED_EVERY_SECONDS: Final = 5.0
"""So often a date from the shelf is listed as a whole, until none is left."""

_SHELVED_EVERY_SECONDS: Final = 60.0
_WITNESSES: Final = 64
"""So many objects at most are asked for, to see whether the bucket is the one of the shelf."""

_SNAPSHOTS_AT_HAND: Final = 2
_LOOK_SECONDS: Final = 0.1


class Follower:
    """Keeps what was listed and lists what is new. Safe to share between threads."""

    def __init__(self, listing: Listing, shelf: Shelf | None) -> None:
        self._listing = listing
        self._shelf = shelf
        self._there: list[str] = []
        self._dates: dict[str, np.ndarray] = {}
        self._checked: dict[str, datetime] = {}
        self._unchecked: set[str] = set()
        self._unsaved: set[str] = set()
        self._snapshot: Snapshot | None = None
        self._snapshots: WeakSet[Snapshot] = WeakSet()
        self._dates_listed = self._whole_listed = -np.inf
        self._last_whole = self._last_tail = ""
        self._saved: float | None = None
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="summaries")
        self._saver = ThreadPoolExecutor(1, thread_name_prefix="shelf")
        self._running: Future[None] | None = None

    def update(self, wait_seconds: float | None = None) -> Snapshot | None:
        """List what is new; gives what is known by then, `None` where that is nothing at all.

        After `wait_seconds`, or once there is something to show at all, the listing goes on in
        the background. What it raises is raised here, at the latest by the call after.
        """
        with self._lock:
            if self._running is None:
                self._running = self._worker.submit(self._update)
            running = self._running
        try:
            if self._snapshot is None and wait_seconds is not None:
                self._wait_for_something(running, wait_seconds)
            else:
                running.result(wait_seconds)
        except StillWorking:
            return self._snapshot
        finally:
            with self._lock:
                if running.done() and self._running is running:
                    self._running = None
        return self._snapshot

    @property
    def refused(self) -> dict[str, str]:
        """Why summaries could not be read so far: the key of one for each reason."""
        return self._listing.refused

    @property
    def known(self) -> Snapshot | None:
        """What is known already, without listing."""
        return self._snapshot

    def _wait_for_something(self, running: "Future[None]", seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._snapshot is None and time.monotonic() < deadline:
            with suppress(StillWorking):
                running.result(_LOOK_SECONDS)
                return
        running.result(5 * _LOOK_SECONDS)  # a small place is listed whole in a moment

    def _update(self) -> None:
        if not self._dates or not self._is_small():
            self._look_for_dates()
        if self._snapshot is None and self._shelf is not None:
            self._recall(self._shelf)
        prefixes = self._prefixes()
        unknown = [each for each in prefixes if self._is_unknown(each[0])]
        number = len(unknown)
        if self._snapshot is None and self._dates:
            self._publish((number, number))
        elif self._snapshot is None and prefixes:  # the newest date alone, to have something
            newest = prefixes.pop(0)
            unknown = [each for each in unknown if each != newest]
            self._merge(*newest, self._listing.batches(*newest))
            self._publish((len(unknown), number))
        with ThreadPoolExecutor(PARALLEL) as pool:
            listings = [pool.submit(self._listing.batches, *each) for each in prefixes]
            try:
                for place, (prefix, after) in enumerate(prefixes, start=1):
                    self._merge(prefix, after, listings.pop(0).result())
                    left = sum(each in unknown for each in prefixes[place:])
                    self._publish((left, number))
                    self._save()
            finally:
                for listing in listings:
                    listing.cancel()
        if not prefixes:
            self._publish((0, 0))
        self._save(is_listed=True)

    def _is_unknown(self, prefix: str) -> bool:
        """Whether a prefix has a date of which nothing is known yet."""
        return any(
            date not in self._dates for date in self._there if _prefix(date).startswith(prefix)
        )

    def _recall(self, shelf: Shelf) -> None:
        """Take over what was listed earlier, where the bucket is still the one of that time.

        Dates are taken in groups; of each group the object that was written last must be there
        as it was. Another bucket of that name has none of that second.
        """
        shelved = {date: known for date in self._there if (known := shelf.load(date))}
        if sum(len(known.batches) for known in shelved.values()) <= FEW:
            return
        groups = np.array_split(sorted(shelved), min(len(shelved), _WITNESSES))
        with ThreadPoolExecutor(PARALLEL) as pool:
            holds = pool.map(self._is_still_there, [[shelved[date] for date in g] for g in groups])
            for group, is_there in zip(groups, holds, strict=True):
                for date in map(str, group) if is_there else ():
                    self._take_over(date, shelved[date])

    def _is_still_there(self, group: Sequence[Shelved]) -> bool | None:
        """Whether the batch written last is as it was; `None` where the bucket does not say."""
        newest = max(group, key=lambda known: known.batches["modified"].max())
        batch = newest.batches[int(newest.batches["modified"].argmax())]
        key = summary_key(batch, newest.wells, newest.recordings)
        try:
            return self._listing.is_there(key, batch["modified"].item()) if key else None
        except TransientError:
            return None

    def _take_over(self, date: str, known: Shelved) -> None:
        old = known.wells, known.recordings
        new = self._listing.wells, self._listing.recordings
        self._dates[date] = numbered(known.batches, old, new)
        self._checked[date] = known.checked
        self._unchecked.add(date)

    def _look_for_dates(self) -> None:
        if not self._dates or time.monotonic() - self._dates_listed > _DATES_EVERY_SECONDS:
            self._there = self._listing.dates()
            self._dates_listed = time.monotonic()
            self._dates = {date: self._dates[date] for date in self._there if date in self._dates}
            self._unchecked &= self._dates.keys()
            self._doubt()

    def _doubt(self) -> None:
        """Where the batch written last is another one now, list every date again, one by one.

        It may have been scored anew, or the bucket may be another one of the same name.
        """
        if not self._dates:
            return
        if self._is_still_there([*self._shelved(self._dates).values()]) is False:
            self._unchecked |= self._dates.keys()

    def _shelved(self, dates: Iterable[str]) -> dict[str, Shelved]:
        names = tuple(self._listing.wells.known), tuple(self._listing.recordings.known)
        return {date: Shelved(self._dates[date], *names, self._checked[date]) for date in dates}

    def _prefixes(self) -> list[tuple[str, str]]:
        """What to list: prefixes, and the key after which to begin, the newest first."""
        if self._dates and self._is_small():
            return [(SUMMARIES, "")]
        found = _grouped([date for date in self._there if date not in self._dates])
        whole = self._due_as_a_whole()
        found += [(_prefix(date), "") for date in whole]
        found += [
            (_prefix(date), _tail(date, self._dates[date]))
            for date in self._due_at_its_end().difference(whole)
        ]
        return sorted(found, reverse=True)

    def _due_as_a_whole(self) -> list[str]:
        """The date that is to be listed as a whole, from time to time: what came late is found."""
        pause = _UNCHECKED_EVERY_SECONDS if self._unchecked else _WHOLE_EVERY_SECONDS
        if not self._dates or time.monotonic() - self._whole_listed <= pause:
            return []
        is_first = self._whole_listed == -np.inf
        self._whole_listed = time.monotonic()
        if is_first:
            return []
        if self._unchecked:
            return [max(self._unchecked)]
        self._last_whole = _next_in_turn(self._dates, self._last_whole)
        return [self._last_whole]

    def _due_at_its_end(self) -> set[str]:
        """Dates to which something may have been added: any, so that each has its turn."""
        hot = {date for date in self._dates if self._was_hot(date)}
        if not self._dates:
            return hot
        if self._snapshot is not None:
            at_rest = self._dates.keys() - hot - {max(self._dates)}
            self._last_tail = _next_in_turn(at_rest, self._last_tail)
        return {*hot, max(self._dates), self._last_tail} & self._dates.keys()

    def _was_hot(self, date: str) -> bool:
        """Whether a date was being written when it was listed last: its end is listed again."""
        return _is_hot(self._dates[date], self._checked[date])

    def _merge(self, prefix: str, after: str, listed: np.ndarray) -> None:
        """Put what was listed in the place of what was known of the same keys."""
        begin = prefix.removeprefix(f"{SUMMARIES}date=").rstrip("/") if prefix != SUMMARIES else ""
        days = listed["second"].astype("M8[D]")
        found = {str(day): listed[days == day] for day in np.unique(days)}
        for date in [date for date in self._dates if date.startswith(begin)]:
            if not after and date not in found:
                del self._dates[date]
        for date, batches in found.items():
            known = self._dates.get(date, EMPTY)
            earlier = known[known["second"] < _cut(known)] if after and len(known) else EMPTY
            self._keep(date, newest_versions(np.concatenate([earlier, batches])))
            if not after:
                self._unchecked.discard(date)
        self._unchecked &= self._dates.keys()

    def _keep(self, date: str, batches: np.ndarray) -> None:
        """Remember a date's batches; the array of before stays where it is equal."""
        known, now = self._dates.get(date, EMPTY), _now()
        if len(known) != len(batches) or known.tobytes() != batches.tobytes():
            self._dates[date] = batches
            self._unsaved.add(date)
        elif self._was_hot(date) and not _is_hot(known, now):
            self._unsaved.add(date)  # so that a later start knows that it is at rest
        self._checked[date] = now

    def _publish(self, pending: tuple[int, int]) -> None:
        """Make a snapshot of what is known; it takes over what was made of the same batches."""
        before = self._snapshot
        made = Snapshot(
            taken=_now(),
            parts=tuple(self._dates[date] for date in sorted(self._dates)),
            names_of_wells=tuple(self._listing.wells.known),
            names_of_recordings=tuple(self._listing.recordings.known),
            pending=pending,
            unchecked=len(self._unchecked),
        )
        if before is not None and made.has_the_batches_of(before):
            made = replace(made, made=before.made)
        self._snapshot = made
        self._snapshots.add(made)
        _let_go(self._snapshots)

    def _save(self, *, is_listed: bool = False) -> None:
        """Put on the shelf what has changed, if it is long enough ago since the last time.

        The first time it need not be: what took a listing of all dates is kept at once.
        """
        if self._shelf is None or not self._unsaved or self._is_small():
            return
        is_first = is_listed and self._saved is None
        before = self._began if self._saved is None else self._saved
        if not is_first and time.monotonic() - before < _SHELVED_EVERY_SECONDS:
            return
        self._saved = time.monotonic()
        changed = self._shelved(self._unsaved & self._dates.keys())
        self._unsaved.clear()
        self._saver.submit(self._shelf.save, changed, tuple({*self._there, *self._dates}))

    def _is_small(self) -> bool:
        return sum(map(len, self._dates.values())) <= FEW


def _let_go(snapshots: Iterable[Snapshot]) -> None:
    """Free what was made of all but the newest batches: pages that show others make it again."""
    newest_first = sorted(snapshots, key=lambda each: each.taken, reverse=True)
    at_hand: list[dict[object, object]] = []
    for each in newest_first:
        if any(each.made is made for made in at_hand):
            continue
        if len(at_hand) < _SNAPSHOTS_AT_HAND:
            at_hand.append(each.made)
        else:
            each.let_go()


def _grouped(dates: list[str]) -> list[tuple[str, str]]:
    """Prefixes of dates; where there are many, as in a replay of years, those of their months."""
    if len(dates) <= _MANY_DATES:
        return [(_prefix(date), "") for date in dates]
    return [(f"{SUMMARIES}date={month}", "") for month in sorted({date[:7] for date in dates})]


def _next_in_turn(dates: Iterable[str], last: str) -> str:
    """The date before another one, and after the oldest the newest; empty where there is none."""
    ordered = sorted(dates)
    return ordered[bisect_left(ordered, last) - 1] if ordered else ""


def _prefix(date: str) -> str:
    return f"{SUMMARIES}date={date}/"


def _is_hot(batches: np.ndarray, now: datetime) -> bool:
    return bool(len(batches)) and bool(batches["modified"].max() > np.datetime64(now - _HOT))


def _cut(batches: np.ndarray) -> np.datetime64:
    """The second from which the end of a date is listed anew."""
    return batches["second"].max() - _LATE


def _tail(date: str, batches: np.ndarray) -> str:
    cut = _cut(batches).item()
    return f"{_prefix(date)}{cut:%H%M%S}" if f"{cut:%Y-%m-%d}" == date else f"{_prefix(date)}0"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
