"""Labels of the curated rows, as runs: most from the summaries, the others from the rows, once.

A summary says how many of a batch's rows have which label. Where all have one, and all or none are
of the commissioning time, that is a run; only where a label changes within a batch are its rows
read.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from dashboard.curated.snapshot import COUNTS, ScoredObject, Snapshot
from dashboard.curated.unreadable import Unreadable, unreadable_reason
from petrostream.aws.buckets import Bucket
from petrostream.detection.detector import Status
from petrostream.errors import InvalidBatch, ObjectMissing, ObjectTooLarge
from petrostream.evaluation.judging import UNLABELLED, LabelRun, label_runs
from petrostream.ingest.readings import microseconds_of
from petrostream.parallel import OnProgress
from petrostream.schema.columns import ANOMALY_FLAG, CLASS, STATUS, TIMESTAMP
from petrostream.scoring import summaries
from petrostream.scoring.score_batch import read_scored

_MAX_BYTES: Final = 256 * 1024 * 1024
_PARALLEL: Final = 8
_STEP: Final = 64
_KEPT: Final = 50_000
"""So many objects' runs are remembered, or those that are asked for at once."""

_UNREADABLE: Final = (
    *(pa.ArrowException, InvalidBatch, ObjectMissing, ObjectTooLarge),
    *(OSError, KeyError, TypeError, ValueError, OverflowError),
)

Recordings = dict[tuple[str, str], list[LabelRun]]
"""Label runs by well and recording."""


class LabelReader:
    """Label runs of scored batches; what was read is remembered."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: OrderedDict[str, tuple[datetime, tuple[LabelRun, ...]]] = OrderedDict()
        self._faults: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The scored objects whose labels could not be read so far."""
        return tuple(Unreadable(*each) for each in self._faults.copy().items())

    def read(
        self, snapshot: Snapshot, places: np.ndarray, on_progress: OnProgress | None = None
    ) -> Recordings:
        """Give the label runs of some batches; an object that can't be read has none.

        `places` are those of the snapshot's table; `on_progress` is told how many objects of how
        many have been read.
        """
        is_simple = has_one_label(snapshot)[places]
        found: Recordings = {}
        for name, run in _simple_runs(snapshot, places[is_simple]):
            found.setdefault(name, []).append(run)
        mixed = snapshot.chosen(places[~is_simple])
        with self._lock:
            self._read_new(mixed, on_progress)
            for each in mixed:
                name = (each.batch.well, each.batch.recording)
                found.setdefault(name, []).extend(self._known[each.key][1])
                self._known.move_to_end(each.key)
            while len(self._known) > max(_KEPT, len(mixed)):
                self._faults.pop(self._known.popitem(last=False)[0], None)
        return found

    def _read_new(self, objects: Sequence[ScoredObject], on_progress: OnProgress | None) -> None:
        fresh = [each for each in objects if self._known.get(each.key, (None,))[0] != each.modified]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for start in range(0, len(fresh), _STEP):
                if on_progress:
                    on_progress(start, len(fresh))
                step = fresh[start : start + _STEP]
                for each, runs in zip(step, pool.map(self._runs, step), strict=True):
                    self._known[each.key] = (each.modified, runs)

    def _runs(self, scored: ScoredObject) -> tuple[LabelRun, ...]:
        try:
            body = self._bucket.get(scored.key, at_most=_MAX_BYTES).body
            found = tuple(runs_of(read_scored(body, [TIMESTAMP, CLASS, ANOMALY_FLAG, STATUS])))
        except _UNREADABLE as error:
            self._faults[scored.key] = unreadable_reason(error)
            return ()
        self._faults.pop(scored.key, None)
        return found


def has_one_label(snapshot: Snapshot) -> np.ndarray:
    """Which batches have one label and are all in, or all after, the commissioning time."""
    figures = snapshot.batches["figures"]
    whole = (figures["commissioning"] == 0) | (figures["commissioning"] == _rows(figures))
    return whole & (figures["labels"]["label"][:, 1] == summaries.NO_LABEL)


def _simple_runs(
    snapshot: Snapshot, places: np.ndarray
) -> Iterator[tuple[tuple[str, str], LabelRun]]:
    """Runs of batches with one label; those without any are left out.

    A summary's times are cut to the second and the millisecond, so a run begins and ends with it.
    """
    labels = snapshot.batches["figures"]["labels"]["label"][places, 0]
    batches = snapshot.batches[places[labels < summaries.UNLABELLED]]
    figures = batches["figures"]
    first = batches["second"].astype(np.int64)
    last = first + figures["span_ms"].astype(np.int64) * 1000 + 999
    rows = _rows(figures)
    columns = (
        *(batches["well"], batches["recording"], figures["labels"]["label"][:, 0]),
        *(first, last, rows, rows - figures["commissioning"], figures["anomalies"]),
    )
    for well, recording, *run in zip(*(column.tolist() for column in columns), strict=True):
        yield (snapshot.wells[well], snapshot.recordings[recording]), LabelRun(*run)


def _rows(figures: np.ndarray) -> np.ndarray:
    counts = [figures[name].astype(np.int64) for name in COUNTS[:3]]
    return np.sum(counts, axis=0)


def runs_of(table: pa.Table) -> Iterator[LabelRun]:
    """The label runs of a batch's rows."""
    status = np.asarray(table.column(STATUS).cast(pa.string()).to_pylist())
    return label_runs(
        microseconds_of(table),
        table.column(CLASS).fill_null(UNLABELLED).to_numpy(),
        status != Status.COMMISSIONING.value,
        table.column(ANOMALY_FLAG).to_numpy() == 1,
    )
