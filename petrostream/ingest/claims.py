"""A recording's claim: which readings its name stands for, and how they are cut into batches.

A recording may be uploaded by several runs, on several machines, side by side. Whoever comes
first claims its name; whoever comes later goes on with the same readings in the same batches, or
is refused. So no reading stands twice, and none is taken for another one.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from petrostream.documents import SMALL
from petrostream.ingest.recordings import Recording
from petrostream.schema.columns import SECOND
from petrostream.schema.keys import second_of
from petrostream.schema.stored_forms import FORMAT_FIELD, RECORDING_CLAIM

MAX_BYTES: Final = 16 * 1024
REPLAYED: Final = "replayed"
"""The kind of a claim whose readings were all known when it was made."""

_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,300}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a recording's name stands for, and who said so.

    Parameters
    ----------
    well, recording
        The name.
    kind
        `REPLAYED`; a source that goes on has no content yet, and will be of another kind.
    content
        SHA-256 of the readings and labels, whatever file they came in.
    rows, first, last
        How many readings, the first and the last one's time stamp (µs since 1970, UTC).
    batch_seconds, commissioning_seconds, lookback_seconds
        How they are cut.
    by, at
        Who claimed it, and when (ISO 8601, UTC); these may differ between claims that agree.
    """

    well: str
    recording: str
    kind: str
    content: str
    rows: int
    first: int
    last: int
    batch_seconds: int
    commissioning_seconds: int
    lookback_seconds: int
    by: str
    at: str

    @property
    def made(self) -> str:
        """By whom and when, in words."""
        return f"{self.by} at {self.at}"

    def differences(self, wanted: "Claim") -> list[str]:
        """How another claim of the name differs from this one, in words; empty where they agree."""
        return list(self._differences(wanted))

    def _differences(self, wanted: "Claim") -> Iterator[str]:
        if (self.well, self.recording, self.kind) != (wanted.well, wanted.recording, wanted.kind):
            yield f"{self.kind} as {self.recording} of {self.well}, not {wanted.kind}"
        if self.content != wanted.content:
            span, here = _span(self), _span(wanted)
            yield f"{span}, not {here}" if span != here else f"{span} with other values"
        if self.batch_seconds != wanted.batch_seconds:
            yield f"batches of {_minutes(self.batch_seconds)}, not {_minutes(wanted.batch_seconds)}"
        for name in ("commissioning_seconds", "lookback_seconds"):
            ours, theirs = getattr(self, name), getattr(wanted, name)
            if ours != theirs:
                yield f"{name.removesuffix('_seconds')} of {ours} s, not {theirs} s"


def content_of(recording: Recording) -> str:
    """Digest a recording's rows: the same for the same readings, whatever file they came in."""
    digest = hashlib.sha256()
    for field, column in zip(recording.table.schema, recording.table.columns, strict=True):
        digest.update(f"{field.name} {field.type} {len(column)}\n".encode())
        digest.update(pc.is_valid(column).to_numpy().tobytes())
        whole = column.cast(pa.int64()) if pa.types.is_timestamp(field.type) else column
        digest.update(whole.fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def to_json(claim: Claim) -> bytes:
    """Write a claim as JSON."""
    return json.dumps({FORMAT_FIELD: RECORDING_CLAIM.newest, **asdict(claim)}, indent=1).encode()


def from_json(body: bytes) -> Claim:
    """Read what `to_json` wrote; nothing in it is trusted.

    Raises
    ------
    PermanentError
        If it is no claim, or one of a later format.
    """
    document = RECORDING_CLAIM.read(body, bounds=SMALL)
    return Claim(
        well=document["well"].text(_LINE),
        recording=document["recording"].text(_LINE),
        kind=document["kind"].text(_LINE),
        content=document["content"].text(_LINE),
        rows=document["rows"].whole(),
        first=document["first"].whole(),
        last=document["last"].whole(),
        batch_seconds=document["batch_seconds"].whole(),
        commissioning_seconds=document["commissioning_seconds"].whole(),
        lookback_seconds=document["lookback_seconds"].whole(),
        by=document["by"].text(_LINE),
        at=document["at"].text(_LINE),
    )


def _span(claim: Claim) -> str:
    return f"{claim.rows} readings from {_time(claim.first)} to {_time(claim.last)}"


def _minutes(seconds: int) -> str:
    return f"{seconds / 60:g} min"


def _time(microseconds: int) -> str:
    try:
        return second_of(microseconds).isoformat(sep=" ")
    except (ValueError, OverflowError, OSError):
        return f"{microseconds / SECOND:g} s since 1970"


def now() -> str:
    """The time as claims say it."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
