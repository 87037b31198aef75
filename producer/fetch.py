"""Download a part of the published 3W dataset: `petrostream fetch`.

Files land as `<into>/<class>/<name>.parquet`. Whatever stops a run, the next one goes on where
it ended: finished files are checked and left alone, unfinished ones are resumed.
"""

import argparse
import math
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from requests import Session
from tqdm import tqdm

from petrostream.errors import PetroStreamError, UsageError
from producer._github import (
    FolderUnusable,
    GitHubUnavailable,
    Origin,
    Remote,
    RemoteFile,
    Transfer,
    TransferFailed,
    file_session,
    list_files,
    transfer,
)

DEFAULT_LIMIT: Final = 5
CREDIT: Final = (
    "3W dataset: Petrobras, CC BY 4.0; please cite Vargas et al. 2019, "
    "doi 10.1016/j.petrol.2019.106223"
)
_GITHUB: Final = Remote()
_FAILED, _IMPOSSIBLE, _INTERRUPTED = 1, 2, 130
_LINE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Selection:
    """Which recordings are wanted; an empty set is no restriction.

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


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be had, and why."""

    file: RemoteFile
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a download; `untried` are the files given up because of a failure."""

    done: tuple[RemoteFile, ...]
    failed: tuple[Failure, ...]
    untried: tuple[RemoteFile, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fetch`."""
    parser.description = (
        f"Download recordings of the 3W dataset. Without options: real ones, {DEFAULT_LIMIT} of "
        f"each event class and of as many wells as possible, at most {10 * DEFAULT_LIMIT} files; "
        "--dry-run shows their size. Running again resumes, and skips what is there. A token in "
        "GITHUB_TOKEN raises GitHub's rate limit; none is needed."
    )
    add = parser.add_argument
    add("--into", type=Path, default=Path("data/3w"), metavar="FOLDER", help="default: %(default)s")
    add("--classes", type=_some_of(*"0123456789"), metavar="0,1,…", help="default: all")
    add("--wells", type=_some_of(), metavar="WELL-00001,…", help="default: all")
    add(
        "--kinds",
        type=_some_of(*Origin),
        metavar="real,…",
        help="of real, simulated, drawn (default: real; with --all every kind)",
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--limit",
        type=_at_least(1),
        default=DEFAULT_LIMIT,
        metavar="N",
        help="files of a class: the first of every well, then the second, …, by name "
        "(default: %(default)s)",
    )
    amount.add_argument("--all", action="store_true", help="no limit (large: try --dry-run first)")
    add("--dry-run", action="store_true", help="only list what would be downloaded")
    add("--ref", default=_GITHUB.ref, help="branch, tag or commit (default: %(default)s)")
    add("--parallel", type=_at_least(1), default=4, metavar="N", help="default: %(default)s")
    add(
        "--retries",
        type=_at_least(0),
        default=_GITHUB.retries,
        metavar="N",
        help="default: %(default)s",
    )
    add(
        "--backoff",
        type=_at_least(0.0),
        default=_GITHUB.backoff,
        metavar="SECONDS",
        help="wait before a retry, doubled each time (default: %(default)s)",
    )
    add("--api-url", default=_GITHUB.api_url, metavar="URL", help="for mirrors: %(default)s")
    add("--raw-url", default=_GITHUB.raw_url, metavar="URL", help="for mirrors: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Fetch what the options say and return the exit code.

    0: everything is there; 1: some files failed, each is named; 2: nothing could be begun;
    130: interrupted.
    """
    try:
        return _fetch(arguments)
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on where it ended")
        return _INTERRUPTED
    except (PetroStreamError, OSError) as error:
        _complain(str(error))
        return _IMPOSSIBLE


def _fetch(arguments: argparse.Namespace) -> int:
    remote, into = _remote(arguments), arguments.into
    chosen = plan(list_files(remote, os.environ.get("GITHUB_TOKEN", "").strip()), _wish(arguments))
    wanted = missing(chosen, into)
    print(
        f"chosen: {len(chosen)} ({_bytes(chosen)}); already in {into}: "
        f"{len(chosen) - len(wanted)}; to download: {len(wanted)} ({_bytes(wanted)})"
    )
    if arguments.dry_run:
        for file in wanted:
            print(f"{_bytes([file]):>8}  {file.target(into)}")
        return 0
    report = download(wanted, into, remote, parallel=arguments.parallel)
    _tell(report, into)
    return _FAILED if report.failed or report.untried else 0


def plan(files: Iterable[RemoteFile], selection: Selection) -> tuple[RemoteFile, ...]:
    """Choose the files to have, by path.

    Within a class the limit takes the first file of every well (or of the simulated, or of the
    drawn ones), then the second, and so on, so that a few files show many wells.

    Raises
    ------
    UsageError
        If nothing is chosen, or a class or well that was asked for does not exist.
    """
    published = tuple(files)
    admitted = [file for file in published if selection.admits(file)]
    unknown = [
        *sorted(selection.wells - {file.source for file in published}),
        *(f"class {c}" for c in sorted(selection.classes - {f.event_class for f in published})),
    ]
    if unknown or not admitted:
        problem = f"3W has no {', '.join(unknown)}" if unknown else "no file matches the selection"
        raise UsageError(f"{problem}; there are {_inventory(published)}")
    by_class: dict[int, list[RemoteFile]] = {}
    for file in admitted:
        by_class.setdefault(file.event_class, []).append(file)
    chosen = [file for group in by_class.values() for file in _spread(group)[: selection.limit]]
    return tuple(sorted(chosen, key=lambda file: file.path))


def missing(files: Iterable[RemoteFile], into: Path) -> tuple[RemoteFile, ...]:
    """Return the files that a folder does not have, or not with the published content."""
    return tuple(file for file in files if not file.is_in(into))


def download(
    files: Sequence[RemoteFile], into: Path, remote: Remote, *, parallel: int = 4
) -> Report:
    """Download files into a folder, `parallel` at a time, and show the progress on stderr.

    One file's failure leaves the others alone; a server out of reach or a full disk ends all.

    Raises
    ------
    FolderUnusable
        If the folder can't be made or has too little room.
    """
    if not files:
        return Report((), (), ())
    begun = sum(_size_of_part(file, into) for file in files)
    _make_room(into, sum(file.size for file in files) - begun)
    crew = _Crew(files, into, remote, parallel)
    with Progress(files, begun) as progress:
        done, failed = crew.work(progress)
    settled = {*done, *(failure.file for failure in failed)}
    return Report(tuple(done), tuple(failed), tuple(file for file in files if file not in settled))


def _make_room(into: Path, needed: int) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(into).free
    except OSError as error:
        raise FolderUnusable(
            f"{into} can't be made a folder ({error.strerror}): name another one with --into"
        ) from error
    if not os.access(into, os.W_OK):
        raise FolderUnusable(f"{into} is not writable: name another one with --into")
    if needed > free:
        raise FolderUnusable(
            f"{into} has {_readable(free)} left and {_readable(needed)} are needed: make room, "
            "choose fewer files, or name another folder with --into"
        )


class _Crew:
    """Threads that download; daemons, so that none that waits for a server holds up the exit."""

    def __init__(
        self, files: Iterable[RemoteFile], into: Path, remote: Remote, parallel: int
    ) -> None:
        self._into, self._remote = into, remote
        self._pending: SimpleQueue[RemoteFile] = SimpleQueue()
        self._news: SimpleQueue[int | RemoteFile | Failure | None] = SimpleQueue()
        self._stop = threading.Event()
        for file in files:
            self._pending.put(file)
        self._threads = [
            threading.Thread(target=self._download, daemon=True)
            for _ in range(min(parallel, self._pending.qsize()))
        ]

    def work(self, progress: "Progress") -> tuple[list[RemoteFile], list[Failure]]:
        """Download everything; return what is done and what failed."""
        done: list[RemoteFile] = []
        failed: list[Failure] = []
        working = len(self._threads)
        for thread in self._threads:
            thread.start()
        try:
            while working:
                received = 0
                match self._next_news():
                    case None:
                        working -= 1
                    case int(count):
                        received = count
                    case RemoteFile() as file:
                        done.append(file)
                    case Failure() as failure:
                        failed.append(failure)
                progress.show(received, len(done))
        finally:
            self._dismiss()
        return done, failed

    def _next_news(self) -> int | RemoteFile | Failure | None:
        """Return bytes received, a finished or failed file, or `None` when a thread has ended."""
        try:
            return self._news.get(timeout=_LINE_SECONDS)
        except Empty:
            return 0

    def _dismiss(self) -> None:
        self._stop.set()
        patience_ends = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, patience_ends - time.monotonic()))

    def _download(self) -> None:
        try:
            with file_session(self._remote) as session, suppress(Empty):
                while not self._stop.is_set():
                    self._download_one(session, self._pending.get_nowait())
        finally:
            self._news.put(None)

    def _download_one(self, session: Session, file: RemoteFile) -> None:
        job = Transfer(session, self._remote, file, self._into, self._news.put, self._stop)
        try:
            if transfer(job):
                self._news.put(file)
        except TransferFailed as error:
            self._news.put(Failure(file, str(error)))
        except (GitHubUnavailable, FolderUnusable) as error:
            self._stop.set()
            self._news.put(Failure(file, str(error)))


class Progress:
    """Bytes and files so far on stderr: a bar on a terminal, else a line every few seconds."""

    def __init__(self, files: Sequence[RemoteFile], begun: int) -> None:
        self._files, self._bytes = len(files), sum(file.size for file in files)
        self._begun = self._now = begun
        self._start = self._shown = time.monotonic()
        self._done = 0
        self._bar = tqdm(
            total=self._bytes,
            initial=begun,
            unit="B",
            unit_scale=True,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        self._print_line()

    def show(self, received: int, done: int) -> None:
        """Take in bytes (negative: to be downloaded again) and the number of finished files."""
        self._now += received
        self._done = done
        self._bar.set_postfix_str(f"{done} of {self._files} files", refresh=False)
        self._bar.update(received)
        if time.monotonic() - self._shown >= _LINE_SECONDS:
            self._print_line()

    def _print_line(self) -> None:
        self._shown = time.monotonic()
        if not self._bar.disable:
            return
        rate = max(0, self._now - self._begun) / max(self._shown - self._start, 1e-3)
        print(
            f"{self._done} of {self._files} files, {_readable(self._now)} of "
            f"{_readable(self._bytes)}, {_readable(rate)}/s",
            file=sys.stderr,
        )


def _tell(report: Report, into: Path) -> None:
    for failure in report.failed:
        _complain(f"{failure.file.path}: {failure.reason}")
    if report.untried:
        _complain(f"given up because of that: {len(report.untried)} more")
    if report.failed or report.untried:
        _complain("the others are kept; the same command tries again what is missing")
    print(f"downloaded into {into}: {len(report.done)} ({_bytes(report.done)})")
    print(CREDIT)


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


def _remote(arguments: argparse.Namespace) -> Remote:
    return Remote(
        api_url=arguments.api_url.rstrip("/"),
        raw_url=arguments.raw_url.rstrip("/"),
        ref=arguments.ref,
        retries=arguments.retries,
        backoff=arguments.backoff,
    )


def _wish(arguments: argparse.Namespace) -> Selection:
    usual = Origin if arguments.all else [Origin.REAL]
    return Selection(
        classes=frozenset(int(name) for name in arguments.classes or ()),
        wells=frozenset(arguments.wells or ()),
        origins=frozenset(Origin(name) for name in arguments.kinds or usual),
        limit=None if arguments.all else arguments.limit,
    )


def _size_of_part(file: RemoteFile, into: Path) -> int:
    part = file.part(into)
    return part.stat().st_size if part.is_file() else 0


def _bytes(files: Iterable[RemoteFile]) -> str:
    return _readable(sum(file.size for file in files))


def _readable(size: float) -> str:
    return tqdm.format_sizeof(size, "B")


def _complain(sentence: str) -> None:
    print(f"fetch: {sentence}", file=sys.stderr)


def _some_of(*allowed: str) -> Callable[[str], frozenset[str]]:
    def parse(text: str) -> frozenset[str]:
        names = frozenset(name.strip() for name in text.split(",")) - {""}
        if not names or (allowed and not names.issubset(allowed)):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a list of {', '.join(allowed) or 'names'} with commas between"
            )
        return names

    return parse


def _at_least(least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = type(least)(text)
        except ValueError:
            value = math.nan
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} up")
        return value

    return parse
