"""How the pipeline does: its last batches, its pace, what was set aside, the model, the bill."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from dashboard.curated.snapshot import FIRST, LAST, MODIFIED, ScoredObject, Snapshot
from petrostream.aws.buckets import Bucket, ListedObject
from petrostream.aws.costs import Usage
from petrostream.documents import SMALL
from petrostream.errors import ObjectMissing, PermanentError
from petrostream.schema.columns import WELL
from petrostream.schema.keys import QUARANTINE, REASON_SUFFIX, BatchId
from petrostream.schema.stored_forms import QUARANTINE_REASON

RECENT: Final = 20
MOST_QUARANTINED: Final = 200

_PARALLEL: Final = 8
_MAX_REASON_BYTES: Final = 64 * 1024
_PAUSE: Final = np.timedelta64(30, "s")
_STRETCH: Final = np.timedelta64(600, "s")
_SECONDS_AN_HOUR: Final = 3600
_KB: Final = 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """The last stretch of work without a pause of half a minute, ten minutes at most.

    `ended` is when its last batch was scored (UTC without a zone).
    """

    batches: int
    rows: int
    seconds: float
    ended: datetime

    @property
    def rows_a_second(self) -> float:
        """Rows scored in a second."""
        return self.rows / self.seconds

    @property
    def seconds_a_batch(self) -> float:
        """Seconds of wall-clock a batch."""
        return self.seconds / self.batches


def pace(snapshot: Snapshot) -> Pace | None:
    """How fast the newest batches were scored, by when their objects were written."""
    table = snapshot.table
    if table.empty:
        return None
    order = np.argsort(table[MODIFIED].to_numpy(), kind="stable")
    times = table[MODIFIED].to_numpy()[order]
    rows = table["rows"].to_numpy()[order]
    pauses = np.flatnonzero(np.diff(times) > _PAUSE)
    begin = max(
        int(pauses[-1]) + 1 if len(pauses) else 0, int(np.searchsorted(times, times[-1] - _STRETCH))
    )
    seconds = (times[-1] - times[begin]) / np.timedelta64(1, "s")
    return Pace(
        batches=len(times) - begin,
        rows=int(rows[begin:].sum()),
        seconds=max(float(seconds), 1.0),
        ended=pd.Timestamp(times[-1]).to_pydatetime(),
    )


@dataclass(frozen=True, slots=True)
class Handled:
    """A batch that was scored lately, with its object in the raw bucket, if that is there."""

    scored: ScoredObject
    raw: ListedObject | None
    curated: ListedObject | None

    @property
    def seconds(self) -> float | None:
        """From its arrival in the raw bucket to its scored rows, to the second."""
        if self.raw is None or self.curated is None:
            return None
        return (self.curated.modified - self.raw.modified).total_seconds()


class Recent:
    """Looks up the batches that were scored last; each of them once."""

    def __init__(self, raw: Bucket, curated: Bucket) -> None:
        self._raw, self._curated = raw, curated
        self._known: dict[tuple[BatchId, datetime], Handled] = {}
        self._lock = threading.Lock()

    def read(self, snapshot: Snapshot) -> list[Handled]:
        """Give the newest batches, the last first."""
        places = snapshot.table[MODIFIED].to_numpy().argsort(kind="stable")[::-1][:RECENT]
        objects = snapshot.chosen(places)
        with self._lock, ThreadPoolExecutor(_PARALLEL) as pool:
            fresh = [each for each in objects if (each.batch, each.modified) not in self._known]
            for handled in pool.map(self._look_up, fresh):
                self._known[handled.scored.batch, handled.scored.modified] = handled
            self._known = {
                (each.batch, each.modified): self._known[each.batch, each.modified]
                for each in objects
            }
            return list(self._known.values())

    def _look_up(self, scored: ScoredObject) -> Handled:
        raw = self._raw.look_up(scored.batch.raw)
        return Handled(scored, raw, self._curated.look_up(scored.key))


def usage(snapshot: Snapshot, recent: Sequence[Handled], seconds_a_batch: float | None) -> Usage:
    """What the bill is reckoned for: wells, length and size of batches as measured."""
    table, default = snapshot.table, Usage()
    spans = (table[LAST] - table[FIRST]).dt.total_seconds()
    span = float(spans.median()) + 1 if len(spans) else _SECONDS_AN_HOUR / default.batches_an_hour
    sizes = [
        (each.raw.size + each.curated.size) / _KB for each in recent if each.raw and each.curated
    ]
    return Usage(
        wells=int(table[WELL].nunique()),
        batches_an_hour=_SECONDS_AN_HOUR / span,
        seconds_a_batch=seconds_a_batch or default.seconds_a_batch,
        kb_a_batch=float(np.mean(sizes)) if sizes else default.kb_a_batch,
    )


@dataclass(frozen=True, slots=True)
class SetAside:
    """An object that broke the contract, why, and when that was written (UTC without a zone)."""

    key: str
    reason: str
    when: datetime


class Quarantine:
    """Reads why objects were set aside; each reason once."""

    def __init__(self, curated: Bucket) -> None:
        self._bucket = curated
        self._known: dict[tuple[str, str], SetAside] = {}
        self._lock = threading.Lock()

    def read(self) -> tuple[list[SetAside], int]:
        """Give the newest reasons, the last first, and how many there are in all."""
        listed = [
            each for each in self._bucket.list(QUARANTINE) if each.key.endswith(REASON_SUFFIX)
        ]
        newest = sorted(listed, key=lambda each: each.modified)[::-1][:MOST_QUARANTINED]
        with self._lock, ThreadPoolExecutor(_PARALLEL) as pool:
            fresh = [each for each in newest if (each.key, each.etag) not in self._known]
            for each, reason in zip(fresh, pool.map(self._reason, fresh), strict=True):
                self._known[each.key, each.etag] = reason
            return [self._known[each.key, each.etag] for each in newest], len(listed)

    def _reason(self, listed: ListedObject) -> SetAside:
        key = listed.key.removeprefix(QUARANTINE).removesuffix(REASON_SUFFIX)
        try:
            body = self._bucket.get(listed.key, at_most=_MAX_REASON_BYTES).body
            reason = QUARANTINE_REASON.read(body, bounds=SMALL)["reason"].text()
            return SetAside(key, reason, listed.modified)
        except ObjectMissing:
            return SetAside(key, "its reason has been removed meanwhile", listed.modified)
        except PermanentError as error:
            return SetAside(key, f"its reason can't be read: {error}", listed.modified)
