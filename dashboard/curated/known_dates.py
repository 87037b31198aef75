"""What is known of each date of the bucket: its batches, and when they were listed last."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from dashboard.curated.batches import EMPTY, Names, newest_versions, numbered
from dashboard.curated.listing_cache import KeptListing
from petrostream.schema.keys import SUMMARIES

_HOT: Final = timedelta(minutes=15)
_LATE: Final = np.timedelta64(3600, "s")
"""How long after a later batch of its date a batch is still found at once."""


class KnownDates:
    """`BATCH` arrays by date, with numbers in the place of names; one thread may change them.

    `unchecked` are the dates that are as an earlier dashboard has listed them, `unsaved` those
    that have changed since they were kept on disk.
    """

    def __init__(self, wells: Names, recordings: Names) -> None:
        self._names = wells, recordings
        self._checked: dict[str, datetime] = {}
        self.batches: dict[str, np.ndarray] = {}
        self.unchecked: set[str] = set()
        self.unsaved: set[str] = set()

    @property
    def number(self) -> int:
        """How many batches are known, of all dates."""
        return sum(map(len, self.batches.values()))

    def keep_only(self, dates: Iterable[str]) -> None:
        """Forget dates that have gone from the bucket."""
        self.batches = {date: self.batches[date] for date in dates if date in self.batches}
        self.unchecked &= self.batches.keys()

    def take_over(self, date: str, kept: KeptListing) -> None:
        """Believe what an earlier dashboard has listed of a date, until it is listed again."""
        self.batches[date] = numbered(kept.batches, (kept.wells, kept.recordings), self._names)
        self._checked[date] = kept.checked
        self.unchecked.add(date)

    def to_keep(self, dates: Iterable[str]) -> dict[str, KeptListing]:
        """Dates as they are kept on disk."""
        wells, recordings = (tuple(names.known) for names in self._names)
        return {
            date: KeptListing(self.batches[date], wells, recordings, self._checked[date])
            for date in dates
        }

    def merge(self, prefix: str, after: str, listed: np.ndarray, now: datetime) -> None:
        """Put what was listed just now in the place of what was known of the same keys."""
        begin = prefix.removeprefix(f"{SUMMARIES}date=").rstrip("/") if prefix != SUMMARIES else ""
        days = listed["second"].astype("M8[D]")
        found = {str(day): listed[days == day] for day in np.unique(days)}
        for date in [date for date in self.batches if date.startswith(begin)]:
            if not after and date not in found:
                del self.batches[date]
        for date, batches in found.items():
            known = self.batches.get(date, EMPTY)
            earlier = known[known["second"] < _cut(known)] if after and len(known) else EMPTY
            self._put(date, newest_versions(np.concatenate([earlier, batches])), now)
            if not after:
                self.unchecked.discard(date)
        self.unchecked &= self.batches.keys()

    def _put(self, date: str, batches: np.ndarray, now: datetime) -> None:
        """Remember a date's batches; the array of before stays where it is equal."""
        known = self.batches.get(date, EMPTY)
        if len(known) != len(batches) or known.tobytes() != batches.tobytes():
            self.batches[date] = batches
            self.unsaved.add(date)
        elif self.was_hot(date) and not _is_hot(known, now):
            self.unsaved.add(date)  # so that a later start knows that it is at rest
        self._checked[date] = now

    def was_hot(self, date: str) -> bool:
        """Whether a date was being written when it was listed last: its end is listed again."""
        return _is_hot(self.batches[date], self._checked[date])

    def tail(self, date: str) -> str:
        """The key after which a date's end is listed anew."""
        cut = _cut(self.batches[date]).item()
        return f"{prefix_of(date)}{f'{cut:%H%M%S}' if f'{cut:%Y-%m-%d}' == date else '0'}"


def prefix_of(date: str) -> str:
    """What the keys of a date's summaries begin with."""
    return f"{SUMMARIES}date={date}/"


def _is_hot(batches: np.ndarray, now: datetime) -> bool:
    return bool(len(batches)) and bool(batches["modified"].max() > np.datetime64(now - _HOT))


def _cut(batches: np.ndarray) -> np.datetime64:
    """The second from which the end of a date is listed anew."""
    return batches["second"].max() - _LATE
