"""Count what the pipeline has made of everything that was replayed."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from petrostream.alarms import events
from petrostream.aws.buckets import Bucket
from petrostream.errors import PermanentError
from petrostream.parallel import in_parallel
from petrostream.schema.keys import EVENTS, QUARANTINE, REASON_SUFFIX, SCORED, parse_batch_key
from petrostream.schema.parquet import read_schema_bounded
from petrostream.schema.stored_forms import read_from
from petrostream.scoring.score_batch import Counts, counts_of

_FOOTER_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Tally:
    """Totals over the curated bucket."""

    recordings: int
    batches: int
    rows_commissioning: int
    rows_scored: int
    rows_unscorable: int
    anomalies: int
    events: int
    quarantined: int


def tally(curated: Bucket) -> Tally:
    """Add up the scored objects' counts and join their events."""
    scored = list(curated.keys(SCORED))
    counts = in_parallel(lambda key: _counts(curated, key), scored)
    ids = [parse_batch_key(key) for key in scored]
    found = read_events(curated)
    return Tally(
        recordings=len({(batch.well, batch.recording) for batch in ids}),
        batches=len(scored),
        rows_commissioning=sum(each.commissioning for each in counts),
        rows_scored=sum(each.scored for each in counts),
        rows_unscorable=sum(each.unscorable for each in counts),
        anomalies=sum(each.anomalies for each in counts),
        events=len(found),
        quarantined=sum(key.endswith(REASON_SUFFIX) for key in curated.keys(QUARANTINE)),
    )


def read_events(curated: Bucket, prefix: str = EVENTS) -> list[events.Event]:
    """Read the runs of all batches under a prefix and join them into events."""
    documents = in_parallel(lambda key: _runs(curated, key), list(curated.keys(prefix)))
    runs = [run for found, _ in documents for run in found]
    return events.join(runs, max((gap for _, gap in documents), default=0))


def _runs(curated: Bucket, key: str) -> tuple[list[events.Event], int]:
    body = curated.get(key, at_most=events.MOST_BYTES).body
    with read_from(key):
        return events.from_json(body)


def _counts(curated: Bucket, key: str) -> Counts:
    try:
        tail = curated.get_tail(key, _FOOTER_BYTES)
        with read_from(key):
            return counts_of(read_schema_bounded(tail))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise PermanentError(f"{key} is no scored batch: {error}") from error
