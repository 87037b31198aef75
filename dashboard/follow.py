"""Follow the summaries of the curated bucket: list what is new, in the background.

A listing gives a thousand batches and takes 0.1 s on AWS, 0.5 s on the embedded one; a month of
thirty wells has 130,000. So nothing waits for all of it: dates are listed from the newest to the
oldest and shown as they come, and afterwards only the end of those dates to which something was
added lately, one older date at a time in between.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWorking
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from dashboard.snapshot import EMPTY, ListedKey, Names, Snapshot, newest_versions, parse
from petrostream.aws import explained
from petrostream.keys import SUMMARIES

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PARALLEL: Final = 4
FEW: Final = 2000
"""So many batches are listed anew each time: it takes two calls."""

_MANY_DATES: Final = 60
_HOT: Final = timedelta(minutes=15)
_LATE: Final = np.timedelta64(3600, "s")
"""How long after a later batch of its date a batch is still found at once."""

_DATES_EVERY_SECONDS: Final = 15.0
_COLD_EVERY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1


class Follower:
    """Keeps what was listed and lists what is new. Safe to share between threads."""

    def __init__(self, bucket: str, client: "S3Client") -> None:
        self._bucket = bucket
        self._s3 = client
        self._wells, self._recordings = Names(), Names()
        self._dates: dict[str, np.ndarray] = {}
        self._checked: dict[str, float] = {}
        self._snapshot: Snapshot | None = None
        self._dates_listed = self._cold_listed = -np.inf
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="summaries")
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
        prefixes = self._prefixes()
        if self._snapshot is None and prefixes:  # the newest date alone, to have something to show
            newest = prefixes.pop(0)
            self._merge(*newest, self._list(*newest))
            self._publish((len(prefixes), len(prefixes) + 1))
        with ThreadPoolExecutor(PARALLEL) as pool:
            listings = [pool.submit(self._list, *each) for each in prefixes]
            try:
                for done, ((prefix, after), listing) in enumerate(
                    zip(prefixes, listings, strict=True), start=1
                ):
                    self._merge(prefix, after, listing.result())
                    self._publish((len(prefixes) - done, len(prefixes)))
            finally:
                for listing in listings:
                    listing.cancel()
        if not prefixes:
            self._publish((0, 0))

    def _prefixes(self) -> list[tuple[str, str]]:
        """What to list: prefixes, and the key after which to begin, the newest first."""
        if self._dates and sum(map(len, self._dates.values())) <= FEW:
            return [(SUMMARIES, "")]
        found: list[tuple[str, str]] = []
        if not self._dates or time.monotonic() - self._dates_listed > _DATES_EVERY_SECONDS:
            there = list(self._list_dates())
            self._dates_listed = time.monotonic()
            self._dates = {date: self._dates[date] for date in there if date in self._dates}
            found += _grouped([date for date in there if date not in self._dates])
        hot = [date for date, batches in self._dates.items() if _is_hot(batches)]
        found += [(_prefix(date), _tail(date, self._dates[date])) for date in hot]
        cold = self._dates.keys() - set(hot)
        if cold and time.monotonic() - self._cold_listed > _COLD_EVERY_SECONDS:
            self._cold_listed = time.monotonic()
            oldest = min(cold, key=lambda date: self._checked.get(date, 0.0))
            found.append((_prefix(oldest), ""))
        return sorted(found, reverse=True)

    def _list_dates(self) -> Iterator[str]:
        with explained(f"listing s3://{self._bucket}/{SUMMARIES}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=SUMMARIES, Delimiter="/"
            )
            for page in pages:
                for item in page.get("CommonPrefixes", []):
                    yield item["Prefix"].removeprefix(f"{SUMMARIES}date=").rstrip("/")

    def _list(self, prefix: str, after: str) -> list[ListedKey]:
        with explained(f"listing s3://{self._bucket}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, StartAfter=after
            )
            return [
                ListedKey(item["Key"], item["LastModified"].astimezone(UTC).replace(tzinfo=None))
                for page in pages
                for item in page.get("Contents", [])
            ]

    def _merge(self, prefix: str, after: str, listed: list[ListedKey]) -> None:
        """Put what was listed in the place of what was known of the same keys."""
        begin = prefix.removeprefix(f"{SUMMARIES}date=") if prefix != SUMMARIES else ""
        if not after:
            self._dates = {
                date: known for date, known in self._dates.items() if not date.startswith(begin)
            }
        for date, keys in groupby(listed, key=lambda each: each.key.split("/")[1]):
            name = date.removeprefix("date=")
            batches = parse(list(keys), self._wells, self._recordings)
            known = self._dates.get(name, EMPTY)
            if after and len(known):
                known = known[known["second"] < _cut(known)]
            self._dates[name] = np.concatenate([known, batches])
            self._checked[name] = time.monotonic()

    def _publish(self, pending: tuple[int, int]) -> None:
        """Make a snapshot of what is known; numbers of names become their places in order."""
        wells, recordings = sorted(self._wells.known), sorted(self._recordings.known)
        batches = np.concatenate([EMPTY, *self._dates.values()])
        batches["well"] = _places(self._wells, wells)[batches["well"]]
        batches["recording"] = _places(self._recordings, recordings)[batches["recording"]]
        made = Snapshot(
            taken=_now(),
            batches=newest_versions(batches),
            wells=tuple(wells),
            recordings=tuple(recordings),
            pending=pending,
        )
        if self._snapshot is not None:
            made.take_over(self._snapshot)
        self._snapshot = made


def _grouped(dates: list[str]) -> list[tuple[str, str]]:
    """Prefixes of dates; where there are many, as in a replay of years, those of their months."""
    if len(dates) <= _MANY_DATES:
        return [(_prefix(date), "") for date in dates]
    return [(f"{SUMMARIES}date={month}", "") for month in sorted({date[:7] for date in dates})]


def _prefix(date: str) -> str:
    return f"{SUMMARIES}date={date}/"


def _is_hot(batches: np.ndarray) -> bool:
    return bool(len(batches)) and bool(batches["modified"].max() > np.datetime64(_now() - _HOT))


def _cut(batches: np.ndarray) -> np.datetime64:
    """The second from which the end of a date is listed anew."""
    return batches["second"].max() - _LATE


def _tail(date: str, batches: np.ndarray) -> str:
    cut = _cut(batches).item()
    return f"{_prefix(date)}{cut:%H%M%S}" if f"{cut:%Y-%m-%d}" == date else f"{_prefix(date)}0"


def _places(names: Names, ordered: list[str]) -> np.ndarray:
    place = {name: number for number, name in enumerate(ordered)}
    return np.array([place[name] for name in names.known], dtype="<i4")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
