"""Labels of the curated rows, as runs: read once a batch, mostly from the footer alone.

A footer says the lowest and highest class of a batch; where they are one and nothing is missing,
no row has to be read.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.data import ScoredObject
from petrostream.accuracy import UNLABELLED, LabelRun
from petrostream.columns import ANOMALY_FLAG, CLASS, STATUS, TIMESTAMP
from petrostream.detector import Status
from petrostream.errors import ObjectMissing, ObjectTooLarge
from petrostream.storage import Bucket

_FOOTER_BYTES: Final = 32 * 1024
_MAX_BYTES: Final = 256 * 1024 * 1024
_PARALLEL: Final = 8
_STEP: Final = 64
_UNREADABLE: Final = (
    pa.ArrowException,
    ObjectMissing,
    ObjectTooLarge,
    OSError,
    KeyError,
    ValueError,
)

Progress = Callable[[int, int], None]


class Labels:
    """The label runs of scored objects; what was read is remembered by key and ETag."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, tuple[str, tuple[LabelRun, ...]]] = {}
        self._lock = threading.Lock()

    def read(
        self, objects: Sequence[ScoredObject], on_progress: Progress | None = None
    ) -> dict[str, tuple[LabelRun, ...]]:
        """Give the label runs of each object, by key; those of an unreadable one are none."""
        with self._lock:
            fresh = [each for each in objects if self._known.get(each.key, ("",))[0] != each.etag]
            with ThreadPoolExecutor(_PARALLEL) as pool:
                for start in range(0, len(fresh), _STEP):
                    if on_progress:
                        on_progress(start, len(fresh))
                    step = fresh[start : start + _STEP]
                    for each, runs in zip(step, pool.map(self._runs, step), strict=True):
                        self._known[each.key] = (each.etag, runs)
            return {each.key: self._known[each.key][1] for each in objects}

    def _runs(self, scored: ScoredObject) -> tuple[LabelRun, ...]:
        try:
            label = self._constant_label(scored)
            if label is not None:
                return (_whole(scored, label),)
            body = self._bucket.get(scored.key, at_most=_MAX_BYTES).body
            file = pq.ParquetFile(pa.BufferReader(body))
            table = file.read([TIMESTAMP, CLASS, ANOMALY_FLAG, STATUS], use_threads=False)
        except _UNREADABLE:
            return ()
        return tuple(label_runs(table))

    def _constant_label(self, scored: ScoredObject) -> int | None:
        """The one label of a batch that is all watched or all commissioning, if it has one."""
        counts = scored.counts
        if counts.commissioning not in (0, counts.rows):
            return None
        footer = pq.read_metadata(pa.BufferReader(self._bucket.get_tail(scored.key, _FOOTER_BYTES)))
        return _label_of(footer)


def _label_of(footer: Any) -> int | None:
    column = footer.schema.names.index(CLASS)
    found: set[int] = set()
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        statistics = group.column(column).statistics
        if statistics is None or not statistics.has_null_count:
            return None
        if statistics.null_count == group.num_rows:
            found.add(UNLABELLED)
        elif statistics.null_count or not statistics.has_min_max:
            return None
        else:
            found |= {int(statistics.min), int(statistics.max)}
    return found.pop() if len(found) == 1 else None


def _whole(scored: ScoredObject, label: int) -> LabelRun:
    counts = scored.counts
    first, last = (
        int(np.datetime64(time, "us").astype(np.int64)) for time in (scored.first, scored.last)
    )
    watched = counts.rows - counts.commissioning
    return LabelRun(label, first, last, counts.rows, watched, counts.anomalies)


def label_runs(table: pa.Table) -> Iterable[LabelRun]:
    """Cut a batch's rows where the label changes, and where commissioning ends."""
    if not table.num_rows:
        return
    times = table.column(TIMESTAMP).cast(pa.int64()).to_numpy()
    labels = table.column(CLASS).fill_null(UNLABELLED).to_numpy()
    flags = table.column(ANOMALY_FLAG).to_numpy()
    status = np.asarray(table.column(STATUS).cast(pa.string()).to_pylist())
    watched = status != Status.COMMISSIONING.value
    changes = (np.diff(labels) != 0) | (np.diff(watched.astype(np.int8)) != 0)
    for rows in np.split(np.arange(len(labels)), np.flatnonzero(changes) + 1):
        yield LabelRun(
            label=int(labels[rows[0]]),
            first=int(times[rows[0]]),
            last=int(times[rows[-1]]),
            rows=len(rows),
            watched=int(np.count_nonzero(watched[rows])),
            flagged=int(flags[rows].sum()),
        )
