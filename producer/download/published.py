"""A recording as 3W publishes it: what its path says, and the hash that git knows it by."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_NAME: Final = (
    r"(?P<name>(?P<source>(?P<well>WELL-[0-9]+)(?=_[0-9]{14}(?![0-9]))|SIMULATED|DRAWN)_[0-9]+)"
)
_SUFFIX: Final = r"(?P<suffix>\.csv|\.parquet)"
_PATH: Final = re.compile(rf"dataset/(?P<event_class>[0-9])/{_NAME}{_SUFFIX}")
_ENTRY: Final = re.compile(rf"(?P<event_class>[0-9])/{_NAME}{_SUFFIX}?")
_SHA1: Final = re.compile(r"[0-9a-f]{40}")


class Origin(StrEnum):
    """How a recording came to be."""

    REAL = "real"
    SIMULATED = "simulated"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published recording: its path in the repository, bytes, and git blob SHA-1.

    Raises
    ------
    ValueError
        If the path is not `dataset/<class>/<name of 3W>.<csv or parquet>`, so that no listing can
        name a place outside the target folder, or size or hash are none.
    """

    path: str
    size: int
    blob_sha1: str

    def __post_init__(self) -> None:
        if not is_recording(self.path):
            raise ValueError(f"{self.path!r} is not the path of a 3W recording")
        if type(self.size) is not int or self.size < 0:
            raise ValueError(f"{self.path}: size {self.size!r} is not a number of bytes")
        if not is_sha1(self.blob_sha1):
            raise ValueError(f"{self.path}: {self.blob_sha1!r} is not a SHA-1")

    @property
    def event_class(self) -> int:
        """Event class, 0-9."""
        return int(self._part("event_class"))

    @property
    def recording(self) -> str:
        """`<class>/<name>`, as lists of recordings have it."""
        return f"{self.event_class}/{self._part('name')}"

    @property
    def source(self) -> str:
        """Who it comes from: a well's name, `SIMULATED` or `DRAWN`."""
        return self._part("source")

    @property
    def origin(self) -> Origin:
        """Real, simulated or drawn."""
        return Origin.REAL if self.source.startswith("WELL-") else Origin(self.source.lower())

    def target(self, into: Path) -> Path:
        """Where the file belongs below the folder `into`."""
        return into / f"{self.recording}{self._part('suffix')}"

    def part(self, into: Path) -> Path:
        """Where the bytes gather until they are complete."""
        target = self.target(into)
        return target.with_name(f"{target.name}.part")

    def is_in(self, into: Path) -> bool:
        """Tell whether the folder has the file, whole and unchanged."""
        target = self.target(into)
        return (
            target.is_file()
            and target.stat().st_size == self.size
            and blob_sha1(target) == self.blob_sha1
        )

    def _part(self, group: str) -> str:
        match = _PATH.fullmatch(self.path)
        return match[group] if match else ""


def is_recording(path: object, suffix: str = "") -> bool:
    """Tell whether a path in the repository is that of a recording, and ends in `suffix`."""
    return isinstance(path, str) and _PATH.fullmatch(path) is not None and path.endswith(suffix)


def is_sha1(text: object) -> bool:
    """Tell whether something is the name of a git object: 40 hexadecimal digits."""
    return isinstance(text, str) and _SHA1.fullmatch(text) is not None


def listed_recording(entry: str) -> str | None:
    """Return `<class>/<name>` of a list's entry, whatever file it ends in; `None` if it is none.

    >>> listed_recording("0/WELL-00001_20170201020207.csv")
    '0/WELL-00001_20170201020207'
    """
    match = _ENTRY.fullmatch(entry)
    return match and f"{match['event_class']}/{match['name']}"


def blob_sha1(path: Path) -> str:
    """Return the SHA-1 that git gives to a file's content; the file is read piece by piece."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()
