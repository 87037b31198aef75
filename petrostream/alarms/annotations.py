"""What people say of alarms: acknowledged, true, false, a note.

Each thing said is a document of its own beside the curated data, written once and never changed;
a later one outweighs an earlier one. Documents name a stretch of time in a recording rather than
an alarm, so that they still fit after the recording is scored again, with another model or in
another order of batches. Nobody logs in: `who` is the name that the person gave.
"""

import csv
import io
import json
import logging
import secrets
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from petrostream.aws.buckets import Bucket
from petrostream.documents import SMALL
from petrostream.errors import PermanentError, ServiceUnavailable, UsageError
from petrostream.schema.columns import SECOND
from petrostream.schema.keys import ANNOTATIONS, NAME_PATTERN, annotation_key, second_of
from petrostream.schema.stored_forms import ANNOTATION

LONGEST_NAME: Final = 60
LONGEST_NOTE: Final = 2000

_JSON: Final = "application/json"
_MAX_BYTES: Final = 64 * 1024
_PARALLEL: Final = 8
_TRIES: Final = 3
_log: Final = logging.getLogger("petrostream.alarms.annotations")


class AnnotationKind(StrEnum):
    """What somebody did with an alarm."""

    ACKNOWLEDGED = "acknowledged"
    REOPENED = "reopened"
    TRUE_ALARM = "true alarm"
    FALSE_ALARM = "false alarm"
    NOTE = "note"


VERDICTS: Final = (AnnotationKind.TRUE_ALARM, AnnotationKind.FALSE_ALARM)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One thing said; the alarm's `start` and `end` are µs since 1970, `when` has no zone (UTC)."""

    well: str
    recording: str
    start: int
    end: int
    kind: AnnotationKind
    who: str
    when: datetime
    note: str = ""

    def __post_init__(self) -> None:
        for name in (self.well, self.recording):
            if NAME_PATTERN.fullmatch(name) is None:
                raise UsageError(f"{name!r} is no name of a well or recording")
        if not self.who.strip() or len(self.who) > LONGEST_NAME or not self.who.isprintable():
            raise UsageError(f"a name has 1 to {LONGEST_NAME} characters, all of them printable")
        if len(self.note) > LONGEST_NOTE:
            raise UsageError(f"a note has {LONGEST_NOTE} characters at most")
        if self.kind is AnnotationKind.NOTE and not self.note.strip():
            raise UsageError("a note says something")
        if self.end < self.start:
            raise UsageError("an alarm does not end before it starts")

    def touches(self, well: str, recording: str, start: int, end: int) -> bool:
        """Whether it is about an alarm of that recording and time."""
        return (
            (self.well, self.recording) == (well, recording)
            and self.start <= end
            and self.end >= start
        )


def to_json(annotation: Annotation) -> bytes:
    """Write one document."""
    document = {
        "format": ANNOTATION.newest,
        "well": annotation.well,
        "recording": annotation.recording,
        "start": annotation.start,
        "end": annotation.end,
        "kind": annotation.kind.value,
        "who": annotation.who,
        "when": f"{annotation.when.isoformat()}Z",
        "note": annotation.note,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def from_json(data: bytes) -> Annotation:
    """Read one document.

    Raises
    ------
    PermanentError
        If it is none, or one of another version of PetroStream.
    """
    document = ANNOTATION.read(data, bounds=SMALL)
    note = document.get("note")
    try:
        return Annotation(
            well=document["well"].text(),
            recording=document["recording"].text(),
            start=document["start"].microseconds(),
            end=document["end"].microseconds(),
            kind=document["kind"].choice(AnnotationKind),
            who=document["who"].text(),
            when=document["when"].moment(),
            note="" if note is None else note.text(),
        )
    except UsageError as error:
        raise PermanentError(f"the annotation can't be read: {error}") from error


class Annotations:
    """The annotations in a curated bucket; what was read once is remembered."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, Annotation | None] = {}
        self._faults: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, annotation: Annotation) -> None:
        """Write one; it never replaces another, and is written once though an answer got lost.

        Raises
        ------
        ServiceUnavailable
            If it could not be written.
        """
        body = to_json(annotation)
        for _ in range(_TRIES):
            name = f"{annotation.when:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
            start = second_of(annotation.start)
            key = annotation_key(annotation.well, annotation.recording, start, name)
            if self._bucket.put_if_absent(key, body, _JSON) or self._holds(key, body):
                return
        raise ServiceUnavailable("an annotation of that name is there already: try again")

    def _holds(self, key: str, body: bytes) -> bool:
        """Whether what stands there is the same: boto wrote it, and did not hear that it had."""
        return self._bucket.get(key, at_most=_MAX_BYTES).body == body

    def read(self) -> list[Annotation]:
        """Read all that was said, oldest first; only what is new is fetched.

        What is no annotation is left out, and named in `unreadable`.
        """
        with self._lock:
            keys = list(self._bucket.keys(ANNOTATIONS))
            fresh = [key for key in keys if key not in self._known]
            with ThreadPoolExecutor(_PARALLEL) as pool:
                self._known |= zip(fresh, pool.map(self._get, fresh), strict=True)
            found = [self._known[key] for key in keys]
            self._faults = {key: self._faults[key] for key in keys if key in self._faults}
        return sorted((each for each in found if each is not None), key=lambda each: each.when)

    @property
    def unreadable(self) -> dict[str, str]:
        """What is no annotation although it stands among them, and why, by key."""
        return self._faults.copy()

    def _get(self, key: str) -> Annotation | None:
        try:
            return from_json(self._bucket.get(key, at_most=_MAX_BYTES).body)
        except PermanentError as error:
            _log.warning("%s is left out: %s", key, error)
            self._faults[key] = str(error)
            return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of an alarm after everything that was said of it, oldest first."""

    said: tuple[Annotation, ...] = ()

    @property
    def acknowledgement(self) -> Annotation | None:
        """Who acknowledged it, unless somebody opened it again."""
        last = self._last((AnnotationKind.ACKNOWLEDGED, AnnotationKind.REOPENED))
        return last if last is not None and last.kind is AnnotationKind.ACKNOWLEDGED else None

    @property
    def verdict(self) -> Annotation | None:
        """The last word on whether it is a true alarm."""
        return self._last(VERDICTS)

    @property
    def is_open(self) -> bool:
        """Whether nobody has looked after it."""
        return self.acknowledgement is None

    def _last(self, kinds: Sequence[AnnotationKind]) -> Annotation | None:
        return next((each for each in reversed(self.said) if each.kind in kinds), None)


def standing(
    annotations: Iterable[Annotation], well: str, recording: str, start: int, end: int
) -> Standing:
    """What was said of an alarm; `annotations` come oldest first."""
    said = [each for each in annotations if each.touches(well, recording, start, end)]
    return Standing(tuple(said))


def to_csv(annotations: Iterable[Annotation]) -> str:
    """All of it as CSV, times in ISO 8601 (UTC): what training reads."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(("well", "recording", "start", "end", "kind", "who", "when", "note"))
    for each in annotations:
        times = [_iso(each.start), _iso(each.end)]
        when = f"{each.when.isoformat()}Z"
        writer.writerow(
            (each.well, each.recording, *times, each.kind.value, each.who, when, each.note)
        )
    return sink.getvalue()


def _iso(microseconds: int) -> str:
    time = datetime.fromtimestamp(microseconds // SECOND, UTC)
    return time.replace(microsecond=microseconds % SECOND, tzinfo=None).isoformat() + "Z"
