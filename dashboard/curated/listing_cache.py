"""Keep what was listed on disk, so that a dashboard that is started again shows it at once.

A file a date: a line that says what it is, a line of JSON, and the `BATCH` array's bytes. Nothing
in it is evaluated. What is no such file, or one of another bucket, is as if it were not there.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from dashboard.curated.batches import BATCH
from petrostream.disk_cache import DRAFT, MAGIC, SUFFIX, listings_in, place_cache, remove
from petrostream.documents import Bounds, read_json
from petrostream.errors import PermanentError
from petrostream.schema.keys import NAME_PATTERN
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries

MOST_BYTES: Final = 512 * 1024 * 1024
"""Of one bucket; two years of thirty wells. The oldest dates are not kept beyond."""

_DRAFTS_KEPT: Final = timedelta(hours=1)
_PLACES_KEPT: Final = timedelta(days=30)
_LONGEST_HEAD: Final = 16 * 1024 * 1024
_HEAD_BOUNDS: Final = Bounds(size=_LONGEST_HEAD, depth=2, values=1_000_000, text=4096)
LAYOUT: Final = hashlib.sha256(repr((BATCH.descr, SENSOR_NAMES)).encode()).hexdigest()
"""What stands where in the array's bytes. A list of sensors that grew has another one, so that
what was kept before is listed anew."""

_log: Final = logging.getLogger("petrostream.dashboard")


@dataclass(frozen=True, slots=True)
class KeptListing:
    """A date's batches as they were listed; their numbers are places among the names.

    `checked` is when they were listed last (UTC without a zone).
    """

    batches: np.ndarray
    wells: tuple[str, ...]
    recordings: tuple[str, ...]
    checked: datetime

    def compact(self) -> "KeptListing":
        """The same with only the names that stand in it."""
        batches = self.batches.copy()
        kept = []
        for column, names in (("well", self.wells), ("recording", self.recordings)):
            numbers, batches[column] = np.unique(batches[column], return_inverse=True)
            kept.append(tuple(names[number] for number in numbers))
        return KeptListing(batches, kept[0], kept[1], self.checked)


class ListingCache:
    """The files of one bucket.

    Two dashboards may share them: a file is written whole and then put in its place.
    """

    def __init__(self, folder: Path, place: str) -> None:
        self._folder = folder
        self._place = place
        self._is_writable = True

    @classmethod
    def of(cls, endpoint: str, bucket: str) -> "ListingCache | None":
        """The cache of a bucket; `None` where nothing is to be kept."""
        folder = place_cache(endpoint, bucket)
        return None if folder is None else cls(folder, f"{endpoint} {bucket}")

    def load(self, date: str) -> KeptListing | None:
        """What is known of a date; `None` where that is nothing."""
        path = self._path(date)
        try:
            if not _is_ours(path):
                return None
            return _read(path.read_bytes(), self._place, date)
        except (OSError, ValueError, PermanentError, MemoryError):
            return None

    def save(self, dates: Mapping[str, KeptListing], there: Iterable[str]) -> None:
        """Write some dates and remove those that are not `there`; what fails is logged, once."""
        if not self._is_writable:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for date, kept in dates.items():
                self._write(date, kept)
        except OSError as error:
            self._is_writable = False
            _log.warning(
                "what was listed can't be kept in %s (%s): the next start lists all of it again; "
                "PETROSTREAM_CACHE names another folder",
                self._folder,
                error.strerror or error,
            )
        else:
            self._tidy(set(there))

    def _path(self, date: str) -> Path:
        return self._folder / f"{date}{SUFFIX}"

    def _write(self, date: str, kept: KeptListing) -> None:
        handle, draft = tempfile.mkstemp(dir=self._folder, prefix=date, suffix=DRAFT)
        try:
            with os.fdopen(handle, "wb") as file:
                compact = kept.compact()
                file.write(MAGIC)
                file.write(json.dumps(_head(self._place, date, compact)).encode() + b"\n")
                file.write(compact.batches.tobytes())
            Path(draft).replace(self._path(date))
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _tidy(self, there: set[str]) -> None:
        """Remove what has gone, what is too much, drafts left behind, and places long unused.

        Others may do the same at the same time: what can't be removed is left to a later time.
        """
        kept = 0
        for path in sorted(_listings(self._folder, SUFFIX), reverse=True):
            with suppress(OSError):
                kept += path.stat().st_size
                if path.name.removesuffix(SUFFIX) not in there or kept > MOST_BYTES:
                    remove(path)
        for path in _listings(self._folder, DRAFT):
            with suppress(OSError):
                if _age(path) > _DRAFTS_KEPT:
                    remove(path)
        with suppress(OSError):
            for other in self._folder.parent.iterdir():
                if other != self._folder:
                    _remove_place(other)


def _head(place: str, date: str, kept: KeptListing) -> dict[str, Any]:
    return {
        "place": place,
        "date": date,
        "layout": LAYOUT,
        "checked": kept.checked.isoformat(),
        "wells": kept.wells,
        "recordings": kept.recordings,
        "rows": len(kept.batches),
        "sha256": _checksum(kept.batches.tobytes()),
    }


def _read(content: bytes, place: str, date: str) -> KeptListing:
    """Read a file's bytes.

    Raises
    ------
    PermanentError, ValueError
        If that is not what this version wrote of that place and date.
    """
    if not content.startswith(MAGIC):
        raise ValueError("no listing")
    end = content.index(b"\n", len(MAGIC), len(MAGIC) + _LONGEST_HEAD)
    head = read_json(content[len(MAGIC) : end], "the listing's head", bounds=_HEAD_BOUNDS)
    body = memoryview(content)[end + 1 :]
    known = tuple(head[name].plain for name in ("place", "date", "layout", "sha256"))
    if known != (place, date, LAYOUT, _checksum(body)):
        raise ValueError("another listing, or a damaged one")
    batches = np.frombuffer(body, BATCH)
    kept = KeptListing(
        batches=batches,
        wells=tuple(each.text(NAME_PATTERN) for each in head["wells"].entries()),
        recordings=tuple(each.text(NAME_PATTERN) for each in head["recordings"].entries()),
        checked=head["checked"].moment(),
    )
    if len(batches) != head["rows"].whole() or not _holds_together(kept, date):
        raise ValueError("a listing that can't be")
    return kept


def _holds_together(kept: KeptListing, date: str) -> bool:
    batches = kept.batches
    return bool(
        len(batches)
        and _are_places(batches["well"], kept.wells)
        and _are_places(batches["recording"], kept.recordings)
        and (batches["second"].astype("M8[D]") == np.datetime64(date, "D")).all()
        and not summaries.faults_of(batches["figures"]).any()
    )


def _are_places(numbers: np.ndarray, names: tuple[str, ...]) -> bool:
    return bool(numbers.min() >= 0 and numbers.max() < len(names))


def _checksum(body: bytes | memoryview) -> str:
    return hashlib.sha256(body).hexdigest()


def _is_ours(path: Path) -> bool:
    """Whether a file is this user's and of a size that can be."""
    found = path.stat()
    return found.st_uid == os.getuid() and found.st_size <= MOST_BYTES


def _listings(folder: Path, suffix: str = "") -> list[Path]:
    """Files of listings; none where the folder is none that can be read."""
    try:
        return listings_in(folder, suffix)
    except OSError:
        return []


def _remove_place(folder: Path) -> None:
    """Remove another place's listings, if none of them was written for long; nothing else."""
    files = [] if folder.is_symlink() else _listings(folder)
    with suppress(OSError):
        if files and min(map(_age, files)) > _PLACES_KEPT:
            for path in files:
                remove(path)
            folder.rmdir()


def _age(path: Path) -> timedelta:
    return timedelta(seconds=time.time() - path.stat().st_mtime)
