"""Every form in which something is stored, and the formats of it that this version reads.

Forms grow at their end: a new sensor, column or field is no new format (docs/decisions/0050). A
new format is what an older PetroStream would misread; it refuses that in a sentence. What says
nothing of its format was written before formats were, and has format 1.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from petrostream.documents import Bounds, Part, read_json, shown
from petrostream.errors import InvalidBatch, InvalidEvaluation, InvalidModel, PermanentError

FORMAT_FIELD: Final = "format"
_FIRST: Final = 1


@dataclass(frozen=True, slots=True)
class Form:
    """One stored form.

    `newest` is the format that is written; those from `oldest` on are read. `error` is what a
    reader raises for any other.
    """

    name: str
    newest: int = _FIRST
    oldest: int = _FIRST
    error: type[PermanentError] = PermanentError

    def check(self, document: Any, which: str = "") -> None:
        """Make sure that a document has a format that is read.

        Parameters
        ----------
        document
            What holds the format beside the rest.
        which
            The object, where the form alone does not say which: a key, a recording, a version.

        Raises
        ------
        PermanentError
            Of the kind `error`, if it has another format, or is no document at all.
        """
        fault = self._fault(document)
        if fault:
            what = f"the {self.name} {which}".rstrip()
            raise self.error(f"{what} can't be read: {fault}")

    def read(self, data: bytes | str, which: str = "", bounds: Bounds | None = None) -> Part:
        """Read a JSON document of this form, in a format that is read.

        Raises
        ------
        PermanentError
            Of the kind `error`, whatever else the bytes are.
        """
        what = f"the {self.name} {which}".rstrip()
        document = read_json(data, what, error=self.error, bounds=bounds)
        self.check(document.plain, which)
        return document

    def _fault(self, document: Any) -> str:
        if not isinstance(document, Mapping):
            return "it is no document"
        found = document.get(FORMAT_FIELD, _FIRST)
        if not isinstance(found, int) or isinstance(found, bool):
            return f"its format is {shown(found)}, which is no number"
        if self.oldest <= found <= self.newest:
            return ""
        advice = "update PetroStream" if found > self.newest else "make it anew"
        return (
            f"it has format {found}, and this version of PetroStream reads {self._readable} only: "
            f"{advice}"
        )

    @property
    def _readable(self) -> str:
        if self.oldest == self.newest:
            return f"format {self.newest}"
        return f"formats {self.oldest} to {self.newest}"


RAW_BATCH: Final = Form("raw batch", error=InvalidBatch)
RECORDING_CLAIM: Final = Form("claim of a recording")
SCORED_BATCH: Final = Form("scored batch", newest=2, error=InvalidBatch)
"""Since format 2 time stamps are to the millisecond, with microseconds in a column of their own."""

SUMMARY: Final = Form("summary", newest=SCORED_BATCH.newest)
"""It has its scored batch's format, so that who lists summaries knows before reading rows."""

EVENTS: Final = Form("event document", newest=2, oldest=2)
PROFILE: Final = Form("profile", newest=2, oldest=2)
"""The recommissioned ones are a list of such."""

ALERT_CLAIM: Final = Form("alert claim")
ANNOTATION: Final = Form("annotation")
QUARANTINE_REASON: Final = Form("quarantine reason")
MANIFEST: Final = Form("model", newest=2, oldest=2, error=InvalidModel)
POINTER: Final = Form("model pointer", error=InvalidModel)
LIMITS: Final = Form("table of limits")
EVALUATION: Final = Form("evaluation", error=InvalidEvaluation)


@contextmanager
def read_from(key: str) -> Iterator[None]:
    """Name the object in what its reader raises."""
    try:
        yield
    except PermanentError as error:
        raise type(error)(f"{key}: {error}") from error
