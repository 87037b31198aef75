"""Where each kind of object lives: the one place that knows the layout of keys.

A raw batch stands at
``readings/well=WELL-00001/date=2017-02-01/<recording>-<first second>.parquet``, and everything
derived from it stands at the same path under another prefix.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from petrostream.errors import InvalidBatch

READINGS: Final = "readings/"
CLAIMS: Final = "claims/"
SCORED: Final = "scored/"
EVENTS: Final = "events/"
SUMMARIES: Final = "summaries/"
PROFILES: Final = "profiles/"
ALERTS: Final = "alerts/"
QUARANTINE: Final = "quarantine/"
ANNOTATIONS: Final = "annotations/"
MODELS: Final = "models/"

SUFFIX: Final = ".parquet"
REASON_SUFFIX: Final = ".reason.json"
SECOND_FORMAT: Final = "%Y%m%dT%H%M%S"

NAME_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,119}")
"""What a well or a recording may be called: it becomes part of a key and of a page's address."""

RECOMMISSIONED: Final = ".recommissioned"
"""What no recording's name ends in: its profile would stand where another's later ones do."""

_BATCH_KEY: Final = re.compile(
    r"(?:[a-z]+/)well=(?P<well>[^/=]+)/date=(?P<date>\d{4}-\d\d-\d\d)/"
    r"(?P<recording>[^/]+)-(?P<second>\d{8}T\d{6})\.(?:parquet|json)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class BatchId:
    """Which batch: the well, the recording and the first second that the batch adds (UTC)."""

    well: str
    recording: str
    first_second: datetime

    @property
    def path(self) -> str:
        """The part of the key that raw, scored and event objects share, without a suffix."""
        second = self.first_second
        return f"well={self.well}/date={second:%Y-%m-%d}/{self.recording}-{second:{SECOND_FORMAT}}"

    @property
    def raw(self) -> str:
        """Key in the raw bucket."""
        return f"{READINGS}{self.path}{SUFFIX}"

    @property
    def scored(self) -> str:
        """Key of the scored rows in the curated bucket."""
        return f"{SCORED}{self.path}{SUFFIX}"

    @property
    def events(self) -> str:
        """Key of the batch's event fragments in the curated bucket."""
        return f"{EVENTS}{self.path}.json"

    def summary(self, figures: str) -> str:
        """Key of the batch's summary in the curated bucket; it holds figures itself.

        Listings give keys, a thousand at a time, so what the key says costs no read. By date
        first, then by time: what is new on all wells stands together at the end.
        """
        second = self.first_second
        return (
            f"{SUMMARIES}date={second:%Y-%m-%d}/{second:%H%M%S}/{self.well}/{self.recording}/"
            f"{figures}.json"
        )


def parse_batch_key(key: str) -> BatchId:
    """Read a batch's identity from the key of its raw, scored or event object.

    Raises
    ------
    InvalidBatch
        If the key does not follow the layout, or a raw one names a recording as none is named.
    """
    match = _BATCH_KEY.fullmatch(key)
    if match is None:
        raise InvalidBatch(
            f"the key {key!r} does not follow {READINGS}well=<well>/date=<yyyy-mm-dd>/"
            f"<recording>-<yyyymmddThhmmss>{SUFFIX}"
        )
    well, recording = match["well"], match["recording"]
    for name in (well, recording):
        if NAME_PATTERN.fullmatch(name) is None:
            raise InvalidBatch(f"the key {key!r} holds a name that is not allowed: {name!r}")
    if key.startswith(READINGS) and recording.endswith(RECOMMISSIONED):
        raise InvalidBatch(
            f"the key {key!r} holds a name that is not allowed: {recording!r} ends in "
            f"{RECOMMISSIONED!r}, which is kept for profiles; give the recording another name"
        )
    try:
        second = datetime.strptime(match["second"], SECOND_FORMAT)
    except ValueError as error:
        raise InvalidBatch(f"the key {key!r} holds no valid second: {error}") from error
    if f"{second:%Y-%m-%d}" != match["date"]:
        raise InvalidBatch(f"the key {key!r} names another date than its second")
    return BatchId(well, recording, second)


def claim_key(well: str, recording: str) -> str:
    """Key of what a recording's name stands for, in the raw bucket; no function is told of it."""
    return f"{CLAIMS}well={well}/{recording}.json"


def profile_key(well: str, recording: str) -> str:
    """Key of a recording's profile in the curated bucket."""
    return f"{PROFILES}well={well}/{recording}.json"


def recommissioned_key(well: str, recording: str) -> str:
    """Key of the profiles that replaced a recording's first one, in the curated bucket."""
    return f"{PROFILES}well={well}/{recording}{RECOMMISSIONED}.json"


def alert_key(well: str, recording: str, start: datetime) -> str:
    """Key of the claim that makes an event's alert go out once, in the curated bucket."""
    return f"{ALERTS}well={well}/{recording}-{start:{SECOND_FORMAT}}.json"


def annotation_key(well: str, recording: str, start: datetime, name: str) -> str:
    """Key of one thing that a person said of the alarm that starts then, in the curated bucket."""
    return f"{ANNOTATIONS}well={well}/{recording}-{start:{SECOND_FORMAT}}/{name}.json"


def quarantine_key(raw_key: str) -> str:
    """Key under which an unreadable raw object is set aside in the curated bucket."""
    return f"{QUARANTINE}{raw_key}"


def model_key(version: str, name: str) -> str:
    """Key of one file of a published model in the models bucket."""
    return f"{MODELS}{version}/{name}"


def second_of(microseconds: int) -> datetime:
    """Turn microseconds since 1970 (UTC) into the second that contains them, without a zone."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(tzinfo=None)


def microseconds_at(second: datetime) -> int:
    """Turn a second (UTC, without a zone) into microseconds since 1970."""
    return int(second.replace(tzinfo=UTC).timestamp()) * 1_000_000
