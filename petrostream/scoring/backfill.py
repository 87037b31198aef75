"""Write the summaries that scored batches lack: after a restore, or from an older worker."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from petrostream.aws.buckets import Bucket
from petrostream.errors import InvalidBatch, PermanentError
from petrostream.ingest.batches import MAX_OBJECT_BYTES
from petrostream.parallel import OnProgress
from petrostream.schema.keys import SCORED, SUMMARIES, BatchId, parse_batch_key
from petrostream.schema.parquet import open_bounded
from petrostream.scoring.score_batch import counts_of, model_version_of
from petrostream.scoring.summaries import is_readable, summarise

_PARALLEL: Final = 8
_STEP: Final = 200
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many scored batches there are, how many summaries were written, and what was not."""

    batches: int
    written: int
    unreadable: tuple[str, ...]


def write_missing_summaries(curated: Bucket, on_progress: OnProgress) -> Repaired:
    """Write a summary for every scored batch that has none this version reads.

    Safe to run again and while batches are scored: a summary is written before its scored rows,
    so those are listed first. `on_progress` is told how many of how many batches are done.
    """
    scored = [_batch(key) for key in curated.keys(SCORED)]
    batches = [batch for batch in scored if batch is not None]
    there = _summarised(curated)
    lacking = [batch for batch in batches if _folder(batch.summary("")) not in there]
    written, faults = 0, list[str]()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for start in range(0, len(lacking), _STEP):
            step = lacking[start : start + _STEP]
            for is_written, fault in pool.map(lambda batch: _write_summary(curated, batch), step):
                written += is_written
                faults += [fault] if fault else []
            on_progress(start + len(step), len(lacking))
    return Repaired(len(batches), written, tuple(faults))


def _write_summary(curated: Bucket, batch: BatchId) -> tuple[bool, str]:
    """Write a batch's summary; gives whether it was written, and why that can't be.

    What was scored since its rows were read has a summary that is newer.
    """
    try:
        body = curated.get(batch.scored, at_most=MAX_OBJECT_BYTES).body
        rows = open_bounded(body).read(use_threads=False)
        schema = rows.schema
        summary = summarise(batch, rows, counts_of(schema), model_version_of(schema))
    except PermanentError as error:
        return False, f"{batch.scored}: {error}"
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, IndexError):
        return False, f"{batch.scored}: it is not a scored batch of this version; score it again"
    if _summarised(curated, f"{_folder(summary.key)}/"):
        return False, ""
    curated.put(summary.key, summary.body, _JSON)
    return True, ""


def _batch(key: str) -> BatchId | None:
    """The batch of a scored object; `None` for what is none."""
    try:
        batch = parse_batch_key(key)
    except InvalidBatch:
        return None
    return batch if batch.scored == key else None


def _folder(key: str) -> str:
    """The part of a summary's key that says of which batch it is."""
    return key.rpartition("/")[0]


def _summarised(curated: Bucket, prefix: str = SUMMARIES) -> set[str]:
    """The folders of the summaries that this version reads."""
    keys = curated.keys(prefix)
    return {
        _folder(key) for key in keys if is_readable(key.rpartition("/")[2].removesuffix(".json"))
    }
