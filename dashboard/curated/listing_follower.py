"""Follow the summaries of the curated bucket: list what is new, in the background.

A listing gives a thousand batches and takes 0.1 s on AWS, 0.5 s on the embedded one; a month of
thirty wells has 130,000. So nothing waits for all of it: dates are listed from the newest to the
oldest and shown as they come. Afterwards only the end of a date is listed: at each look of the
newest one, of those to which something was added lately, and of one other in turn; from time to
time one date in turn is listed as a whole. What an earlier dashboard has listed is taken
from its cache, once the bucket has shown that it is still that one.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWorking
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from weakref import WeakSet

import numpy as np

from dashboard.curated.batches import summary_key
from dashboard.curated.known_dates import KnownDates, prefix_of
from dashboard.curated.listing_cache import KeptListing, ListingCache
from dashboard.curated.snapshot import Snapshot
from dashboard.curated.summary_listing import SummaryListing
from petrostream.errors import TransientError
from petrostream.schema.keys import SUMMARIES

PARALLEL: Final = 4
FEW: Final = 2000
"""So many batches are listed anew each time: it takes two calls."""

_MANY_DATES: Final = 60
_DATES_EVERY_SECONDS: Final = 15.0
_WHOLE_EVERY_SECONDS: Final = 60.0
_UNCHECKED_EVERY_SECONDS: Final = 5.0
"""So often a date from the cache is listed as a whole, until none is left."""

_KEPT_EVERY_SECONDS: Final = 60.0
_WITNESSES: Final = 64
"""So many objects at most are asked for, to see whether the bucket is the one of the cache."""

_SNAPSHOTS_AT_HAND: Final = 2
_LOOK_SECONDS: Final = 0.1


class ListingFollower:
    """Keeps what was listed and lists what is new. Safe to share between threads."""

    def __init__(self, listing: SummaryListing, cache: ListingCache | None) -> None:
        self._listing = listing
        self._cache = cache
        self._there: list[str] = []
        self._dates = KnownDates(listing.wells, listing.recordings)
        self._snapshot: Snapshot | None = None
        self._snapshots: WeakSet[Snapshot] = WeakSet()
        self._dates_listed = self._whole_listed = -np.inf
        self._last_whole = self._last_tail = ""
        self._saved: float | None = None
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="summaries")
        self._saver = ThreadPoolExecutor(1, thread_name_prefix="listings")
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
        """Why summaries can't be read that were listed last, by key."""
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
        if not self._dates.batches or not self._is_small():
            self._look_for_dates()
        if self._snapshot is None and self._cache is not None:
            self._recall(self._cache)
        prefixes = self._prefixes()
        unknown = [each for each in prefixes if self._is_unknown(each[0])]
        number = len(unknown)
        if self._snapshot is None and self._dates.batches:
            self._publish((number, number))
        elif self._snapshot is None and prefixes:  # the newest date alone, to have something
            newest = prefixes.pop(0)
            unknown = [each for each in unknown if each != newest]
            self._dates.merge(*newest, self._listing.batches(*newest), _now())
            self._publish((len(unknown), number))
        with ThreadPoolExecutor(PARALLEL) as pool:
            listings = [pool.submit(self._listing.batches, *each) for each in prefixes]
            try:
                for place, (prefix, after) in enumerate(prefixes, start=1):
                    self._dates.merge(prefix, after, listings.pop(0).result(), _now())
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
            date not in self._dates.batches
            for date in self._there
            if prefix_of(date).startswith(prefix)
        )

    def _recall(self, cache: ListingCache) -> None:
        """Take over what was listed earlier, where the bucket is still the one of that time.

        Dates are taken in groups; of each group the object that was written last must be there
        as it was. Another bucket of that name has none of that second.
        """
        kept = {date: known for date in self._there if (known := cache.load(date))}
        if sum(len(known.batches) for known in kept.values()) <= FEW:
            return
        groups = np.array_split(sorted(kept), min(len(kept), _WITNESSES))
        with ThreadPoolExecutor(PARALLEL) as pool:
            holds = pool.map(self._is_still_there, [[kept[date] for date in g] for g in groups])
            for group, is_there in zip(groups, holds, strict=True):
                for date in map(str, group) if is_there else ():
                    self._dates.take_over(date, kept[date])

    def _is_still_there(self, group: Sequence[KeptListing]) -> bool | None:
        """Whether the batch written last is as it was; `None` where the bucket does not say."""
        newest = max(group, key=lambda known: known.batches["modified"].max())
        batch = newest.batches[int(newest.batches["modified"].argmax())]
        key = summary_key(batch, newest.wells, newest.recordings)
        try:
            return self._listing.is_there(key, batch["modified"].item()) if key else None
        except TransientError:
            return None

    def _look_for_dates(self) -> None:
        if not self._dates.batches or time.monotonic() - self._dates_listed > _DATES_EVERY_SECONDS:
            self._there = self._listing.dates()
            self._dates_listed = time.monotonic()
            self._dates.keep_only(self._there)
            self._doubt()

    def _doubt(self) -> None:
        """Where the batch written last is another one now, list every date again, one by one.

        It may have been scored anew, or the bucket may be another one of the same name.
        """
        if not self._dates.batches:
            return
        if self._is_still_there([*self._dates.to_keep(self._dates.batches).values()]) is False:
            self._dates.unchecked |= self._dates.batches.keys()

    def _prefixes(self) -> list[tuple[str, str]]:
        """What to list: prefixes, and the key after which to begin, the newest first."""
        if self._dates.batches and self._is_small():
            return [(SUMMARIES, "")]
        found = _grouped([date for date in self._there if date not in self._dates.batches])
        whole = self._due_as_a_whole()
        found += [(prefix_of(date), "") for date in whole]
        found += [
            (prefix_of(date), self._dates.tail(date))
            for date in self._due_at_its_end().difference(whole)
        ]
        return sorted(found, reverse=True)

    def _due_as_a_whole(self) -> list[str]:
        """The date that is to be listed as a whole, from time to time: what came late is found."""
        pause = _UNCHECKED_EVERY_SECONDS if self._dates.unchecked else _WHOLE_EVERY_SECONDS
        if not self._dates.batches or time.monotonic() - self._whole_listed <= pause:
            return []
        is_first = self._whole_listed == -np.inf
        self._whole_listed = time.monotonic()
        if is_first:
            return []
        if self._dates.unchecked:
            return [max(self._dates.unchecked)]
        self._last_whole = _next_in_turn(self._dates.batches, self._last_whole)
        return [self._last_whole]

    def _due_at_its_end(self) -> set[str]:
        """Dates to which something may have been added: any, so that each has its turn."""
        hot = {date for date in self._dates.batches if self._dates.was_hot(date)}
        if not self._dates.batches:
            return hot
        if self._snapshot is not None:
            at_rest = self._dates.batches.keys() - hot - {max(self._dates.batches)}
            self._last_tail = _next_in_turn(at_rest, self._last_tail)
        return {*hot, max(self._dates.batches), self._last_tail} & self._dates.batches.keys()

    def _publish(self, pending: tuple[int, int]) -> None:
        """Make a snapshot of what is known; it takes over what was made of the same batches."""
        before = self._snapshot
        made = Snapshot(
            taken=_now(),
            parts=tuple(self._dates.batches[date] for date in sorted(self._dates.batches)),
            names_of_wells=tuple(self._listing.wells.known),
            names_of_recordings=tuple(self._listing.recordings.known),
            pending=pending,
            unchecked=len(self._dates.unchecked),
        )
        if before is not None and made.has_the_batches_of(before):
            made = replace(made, made=before.made)
        self._snapshot = made
        self._snapshots.add(made)
        _let_go(self._snapshots)

    def _save(self, *, is_listed: bool = False) -> None:
        """Keep on disk what has changed, if it is long enough ago since the last time.

        The first time it need not be: what took a listing of all dates is kept at once.
        """
        if self._cache is None or not self._dates.unsaved or self._is_small():
            return
        is_first = is_listed and self._saved is None
        before = self._began if self._saved is None else self._saved
        if not is_first and time.monotonic() - before < _KEPT_EVERY_SECONDS:
            return
        self._saved = time.monotonic()
        changed = self._dates.to_keep(self._dates.unsaved & self._dates.batches.keys())
        self._dates.unsaved.clear()
        self._saver.submit(self._cache.save, changed, tuple({*self._there, *self._dates.batches}))

    def _is_small(self) -> bool:
        return self._dates.number <= FEW


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
        return [(prefix_of(date), "") for date in dates]
    return [(f"{SUMMARIES}date={month}", "") for month in sorted({date[:7] for date in dates})]


def _next_in_turn(dates: Iterable[str], last: str) -> str:
    """The date before another one, and after the oldest the newest; empty where there is none."""
    ordered = sorted(dates)
    return ordered[bisect_left(ordered, last) - 1] if ordered else ""


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
