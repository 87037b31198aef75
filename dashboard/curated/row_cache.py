"""The rows of a few wells that were read; whoever wants them again reads what is new."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

import pandas as pd

from petrostream.schema.columns import RECORDING, TIMESTAMP

_WELLS_KEPT: Final = 4
_MOST_ROWS: Final = 200_000
"""Of one well; two days of them. A row takes 300 bytes of memory."""

Versions = Mapping[str, datetime]
"""When each object, by key, was written."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A table, and the versions of the objects that it was read from."""

    table: pd.DataFrame
    versions: Versions


@dataclass(frozen=True)
class WellRows:
    """Remembers the rows of a few wells. Safe to share between threads.

    Nobody waits while another one reads, but for who lacks exactly the same objects.

    Parameters
    ----------
    empty
        A table without rows.
    read
        Reads some objects' rows, by their keys.
    """

    empty: pd.DataFrame
    read: Callable[[Sequence[str]], pd.DataFrame]
    _wells: OrderedDict[str, _Read] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: WeakValueDictionary[tuple[str, ...], threading.Lock] = field(
        default_factory=WeakValueDictionary
    )

    def of(self, well: str, wanted: Versions) -> pd.DataFrame:
        """The rows of at least the wanted objects of a well, in the order of time.

        Where an object that was read before is another one now, the well is read anew.
        """
        known, fresh = self._known(well, wanted)
        if fresh:
            with self._turn(fresh):
                known, fresh = self._known(well, wanted)
                if fresh:
                    versions = {key: wanted[key] for key in fresh}
                    known = self._remember(well, known, _Read(self.read(fresh), versions))
        return known.table

    def _known(self, well: str, wanted: Versions) -> tuple[_Read, tuple[str, ...]]:
        """What is known of a well and can be kept; and what of the wanted is not in it."""
        with self._lock:
            known = self._wells.get(well)
            if known is None or not _can_be_kept(known, wanted):
                return _Read(self.empty, {}), tuple(wanted)
            self._wells.move_to_end(well)
            return known, tuple(key for key in wanted if key not in known.versions)

    def _turn(self, keys: tuple[str, ...]) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(keys, threading.Lock())

    def _remember(self, well: str, before: _Read, fresh: _Read) -> _Read:
        """Put what was read to what was known; others may have read more of it meanwhile."""
        together = _together(before, fresh)
        with self._lock:
            now = self._wells.get(well)
        if now is not None and now is not before and _can_be_kept(now, together.versions):
            together = _together(now, together)
        with self._lock:
            self._wells[well] = together
            self._wells.move_to_end(well)
            while len(self._wells) > _WELLS_KEPT:
                self._wells.popitem(last=False)
        return together


def joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of the same columns together, in the order of time."""
    tables = list(tables)
    filled = [table for table in tables if len(table)]
    if not filled:
        return tables[0]
    return pd.concat(filled).sort_values(TIMESTAMP, kind="stable", ignore_index=True)


def _can_be_kept(known: _Read, wanted: Versions) -> bool:
    """Whether no object is another one now, and no more rows have to go to too many."""
    changed = any(known.versions.get(key, wanted[key]) != wanted[key] for key in wanted)
    is_whole = wanted.keys() <= known.versions.keys()
    return not changed and (is_whole or len(known.table) < _MOST_ROWS)


def _together(one: _Read, other: _Read) -> _Read:
    table = joined([one.table, other.table])
    if one.versions.keys() & other.versions.keys():
        table = table.drop_duplicates([RECORDING, TIMESTAMP], ignore_index=True)
    return _Read(table, {**one.versions, **other.versions})
