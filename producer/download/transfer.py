"""Download one file: resumed where an earlier run stopped, kept only with git's own hash."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import requests

from producer.download import http
from producer.download.http import (
    SERVER_ERRORS,
    TIMEOUT,
    FolderUnusable,
    GitHubUnavailable,
    Remote,
    TransferFailed,
    cause,
    host,
    is_unreachable,
    open_session,
)
from producer.download.published import RemoteFile, blob_sha1

_CHUNK: Final = 64 * 1024
_RANGE_ANSWERS: Final = (206, 416)
_LFS_POINTER: Final = b"version https://git-lfs"


def file_session(remote: Remote) -> requests.Session:
    """Open a session for `transfer`; each thread needs its own."""
    return open_session(remote, (429, *SERVER_ERRORS), connect_retries=remote.retries)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file of a commit on its way.

    `received` is told of each number of bytes that was added to (or, negative, taken from) the
    part; once `stop` is set the transfer ends, and what is there stays for the next run.
    """

    session: requests.Session
    remote: Remote
    commit: str
    file: RemoteFile
    into: Path
    received: Callable[[int], None]
    stop: threading.Event

    @property
    def part(self) -> Path:
        """Where the bytes gather."""
        return self.file.part(self.into)


def transfer(job: Transfer) -> bool:
    """Download one file, going on where an earlier run stopped; return False if told to stop.

    The file takes its name only when size and SHA-1 are right. A wrong one is deleted and
    downloaded once more.

    Raises
    ------
    TransferFailed
        If this file can't be had; others may.
    GitHubUnavailable
        If the server can't be reached at all.
    FolderUnusable
        If the disk is full or the folder not writable.
    """
    try:
        job.part.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            if not _fill(job):
                return False
            fault = _fault(job.file, job.part)
            if not fault:
                job.part.replace(job.file.target(job.into))
                return True
            job.received(-job.part.stat().st_size)
            job.part.unlink()
    except OSError as error:
        raise FolderUnusable(f"{job.part} can't be written: {error.strerror or error}") from error
    raise TransferFailed(f"{fault}; downloaded twice and deleted")


def _fault(file: RemoteFile, part: Path) -> str:
    with part.open("rb") as content:
        if content.read(len(_LFS_POINTER)) == _LFS_POINTER:
            return "it is a Git LFS pointer, not a recording"
    if part.stat().st_size != file.size:
        return f"its size is not the {file.size:,} bytes of the listing"
    if blob_sha1(part) != file.blob_sha1:
        return f"its git SHA-1 is not the listing's {file.blob_sha1}"
    return ""


def _fill(job: Transfer) -> bool:
    broken = ""
    for attempt in range(job.remote.retries + 1):
        try:
            _append(job)
        except requests.RequestException as error:
            broken = cause(error)
        else:
            return not job.stop.is_set()
        if job.stop.wait(min(job.remote.backoff * 2**attempt, http.MAX_PAUSE)):
            return False
    raise TransferFailed(f"the connection broke {job.remote.retries + 1} times ({broken})")


def _append(job: Transfer) -> None:
    with job.part.open("ab") as sink:
        if sink.tell() > job.file.size:
            _empty(sink, job)
        if sink.tell() == job.file.size:
            return
        with _request_rest(sink, job) as response:
            for chunk in response.iter_content(_CHUNK):
                sink.write(chunk)
                job.received(len(chunk))
                if job.stop.is_set() or sink.tell() > job.file.size:
                    return


def _request_rest(sink: BinaryIO, job: Transfer) -> requests.Response:
    """Ask for what `sink` lacks; empty it if the server can't go on where it ends."""
    offset = sink.tell()
    response = _get(job, offset)
    if offset == 0 or _goes_on(response, offset):
        return response
    _empty(sink, job)
    if response.status_code == requests.codes.ok:
        return response
    response.close()
    return _get(job, 0)


def _get(job: Transfer, offset: int) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        response = job.session.get(
            job.remote.raw(job.commit, job.file.path), headers=headers, stream=True, timeout=TIMEOUT
        )
    except requests.RequestException as error:
        if is_unreachable(error):
            raise GitHubUnavailable(
                f"{host(job.remote.raw_url)} can't be reached ({cause(error)})"
            ) from error
        raise TransferFailed(f"no answer ({cause(error)})") from error
    status = response.status_code
    if status == requests.codes.ok or (offset and status in _RANGE_ANSWERS):
        return response
    response.close()
    if status == requests.codes.too_many_requests:
        raise GitHubUnavailable(
            f"{host(job.remote.raw_url)} asks for fewer requests (429): wait some minutes and run "
            "again, perhaps with a smaller --parallel"
        )
    raise TransferFailed(f"the server answered {status} {response.reason}")


def _goes_on(response: requests.Response, offset: int) -> bool:
    content_range = response.headers.get("Content-Range", "")
    return response.status_code == requests.codes.partial and content_range.startswith(
        f"bytes {offset}-"
    )


def _empty(sink: BinaryIO, job: Transfer) -> None:
    job.received(-sink.tell())
    sink.truncate(0)
    sink.seek(0)
