"""Which of the published recordings are wanted: by what they are, or by name."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from petrostream.errors import UsageError, reason_of
from producer.download.published import Origin, RemoteFile, listed_recording

DEFAULT_LIMIT: Final = 5
_COMMENT: Final = "#"
_NAMED_AT_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Selection:
    """Recordings by what they are; an empty set is no restriction.

    `wells` are names such as `WELL-00001`, which only real recordings have. `limit` is the
    largest number of files of one class, `None` for all.
    """

    classes: frozenset[int] = frozenset()
    wells: frozenset[str] = frozenset()
    origins: frozenset[Origin] = frozenset({Origin.REAL})
    limit: int | None = DEFAULT_LIMIT

    def admits(self, file: RemoteFile) -> bool:
        """Tell whether a file is wanted, the limit apart."""
        return (
            file.origin in (self.origins or Origin)
            and (not self.classes or file.event_class in self.classes)
            and (not self.wells or file.source in self.wells)
        )

    def choose(self, files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
        """Choose the files to have, by path.

        Within a class the limit takes the first file of every well (or of the simulated, or of
        the drawn ones), then the second, and so on, so that a few files show many wells.

        Raises
        ------
        UsageError
            If nothing is chosen, or a class or well that was asked for does not exist.
        """
        published = tuple(files)
        admitted = [file for file in published if self.admits(file)]
        unknown = [
            *sorted(self.wells - {file.source for file in published}),
            *(f"class {c}" for c in sorted(self.classes - {f.event_class for f in published})),
        ]
        if unknown or not admitted:
            problem = (
                f"3W has no {', '.join(unknown)}" if unknown else "no file matches the selection"
            )
            raise UsageError(f"{problem}; there are {_inventory(published)}")
        by_class: dict[int, list[RemoteFile]] = {}
        for file in admitted:
            by_class.setdefault(file.event_class, []).append(file)
        chosen = [file for group in by_class.values() for file in _spread(group)[: self.limit]]
        return tuple(sorted(chosen, key=lambda file: file.path))


@dataclass(frozen=True, slots=True)
class Named:
    """Recordings by name: `<class>/<name>`, as `source` lists them."""

    recordings: frozenset[str]
    source: Path

    def choose(self, files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
        """Choose exactly the named ones, by path.

        Raises
        ------
        UsageError
            If one of them is not among the files.
        """
        chosen = [file for file in files if file.recording in self.recordings]
        lacking = sorted(self.recordings - {file.recording for file in chosen})
        if lacking:
            raise UsageError(
                f"3W has no {_some(lacking)} there: mend {self.source}, or name the release it is "
                "of with --release"
            )
        return tuple(sorted(chosen, key=lambda file: file.path))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a command line's options ask for; options that were not given are empty."""

    classes: frozenset[int] = frozenset()
    wells: frozenset[str] = frozenset()
    kinds: frozenset[Origin] = frozenset()
    limit: int | None = None
    everything: bool = False
    list_file: Path | None = None

    def understood(self) -> Selection | Named:
        """Return which recordings are meant: without any option real ones, some of each class.

        A list names exactly what is wanted, so nothing else may restrict it.

        Raises
        ------
        UsageError
            If options exclude each other, or the list is none.
        """
        if self.everything and self.limit is not None:
            raise UsageError("--all and --limit exclude each other: name one")
        if self.list_file is None:
            usual = frozenset(Origin) if self.everything else frozenset({Origin.REAL})
            limit = None if self.everything else self.limit or DEFAULT_LIMIT
            return Selection(self.classes, self.wells, self.kinds or usual, limit)
        if self != Wish(list_file=self.list_file):
            raise UsageError(
                "--list names exactly what is fetched: leave --classes, --wells, --kinds, --limit "
                "and --all away, or edit the list"
            )
        return read_list(self.list_file)


def read_list(path: Path) -> Named:
    """Read a list of recordings: one `<class>/<name>` a line, what follows a `#` is a comment.

    Raises
    ------
    UsageError
        If the file can't be read, names nothing, or has a line that is no recording.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the list {path} can't be read: {reason_of(error)}") from error
    named = set()
    for number, line in enumerate(lines, 1):
        entry = line.partition(_COMMENT)[0].strip()
        if not entry:
            continue
        recording = listed_recording(entry)
        if recording is None:
            raise UsageError(
                f"{path}, line {number}: {entry!r} is not <class>/<name of a recording>, such as "
                "0/WELL-00001_20170201020207"
            )
        named.add(recording)
    if not named:
        raise UsageError(f"the list {path} names no recording")
    return Named(frozenset(named), path)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _spread(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    by_source: dict[str, list[RemoteFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        by_source.setdefault(file.source, []).append(file)
    return [file for turn in zip_longest(*by_source.values()) for file in turn if file]


def _inventory(files: Iterable[RemoteFile]) -> str:
    counts = Counter((file.event_class, file.origin) for file in files)
    wells = sorted({file.source for file in files if file.origin is Origin.REAL})
    classes = [
        f"class {event_class}: "
        + ", ".join(f"{counts[event_class, o]} {o}" for o in Origin if counts[event_class, o])
        for event_class in sorted({event_class for event_class, _ in counts})
    ]
    return f"{'; '.join(classes) or 'no recordings'}; wells: {', '.join(wells) or 'none'}"
