"""Download many files side by side, and report what became of each."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from requests import Session

from producer.download.http import FolderUnusable, GitHubUnavailable, Remote, TransferFailed
from producer.download.published import RemoteFile
from producer.download.transfer import Transfer, file_session, transfer
from producer.progress import Progress

_PATIENCE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 0.5


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


def download(
    files: Sequence[RemoteFile], into: Path, remote: Remote, commit: str, *, parallel: int = 4
) -> Report:
    """Download a commit's files into a folder, `parallel` at a time; progress goes to stderr.

    One file's failure leaves the others alone; a server out of reach or a full disk ends all.
    """
    if not files:
        return Report((), (), ())
    crew = _Crew(files, into, remote, commit, parallel)
    total, begun = sum(file.size for file in files), bytes_begun(files, into)
    with Progress("fetching", total, "B", begun) as progress:
        done, failed = crew.work(progress)
    settled = {*done, *(failure.file for failure in failed)}
    return Report(tuple(done), tuple(failed), tuple(file for file in files if file not in settled))


def bytes_begun(files: Iterable[RemoteFile], into: Path) -> int:
    """Return how many bytes earlier runs left of files that they did not finish."""
    parts = (file.part(into) for file in files)
    return sum(part.stat().st_size for part in parts if part.is_file())


class _Crew:
    """Threads that download; daemons, so that none that waits for a server holds up the exit."""

    def __init__(
        self,
        files: Sequence[RemoteFile],
        into: Path,
        remote: Remote,
        commit: str,
        parallel: int,
    ) -> None:
        self._into, self._remote, self._commit = into, remote, commit
        self._number = len(files)
        self._pending: SimpleQueue[RemoteFile] = SimpleQueue()
        self._news: SimpleQueue[int | RemoteFile | Failure | None] = SimpleQueue()
        self._stop = threading.Event()
        for file in files:
            self._pending.put(file)
        self._threads = [
            threading.Thread(target=self._download, daemon=True)
            for _ in range(min(parallel, self._number))
        ]

    def work(self, progress: Progress) -> tuple[list[RemoteFile], list[Failure]]:
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
                progress.add(received, f"{len(done)} of {self._number} files")
        finally:
            self._dismiss()
        return done, failed

    def _next_news(self) -> int | RemoteFile | Failure | None:
        """Return bytes received, a finished or failed file, or `None` when a thread has ended."""
        try:
            return self._news.get(timeout=_PATIENCE_SECONDS)
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
        job = Transfer(
            session, self._remote, self._commit, file, self._into, self._news.put, self._stop
        )
        try:
            if transfer(job):
                self._news.put(file)
        except TransferFailed as error:
            self._news.put(Failure(file, str(error)))
        except (GitHubUnavailable, FolderUnusable) as error:
            self._stop.set()
            self._news.put(Failure(file, str(error)))
