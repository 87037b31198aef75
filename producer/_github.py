"""What GitHub says and sends: the listing of 3W and the bytes of one file, resumed and checked.

The listing is one request to the trees API; it gives each file's size and git blob SHA-1, and
nothing is kept that differs from them.
"""

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from petrostream.errors import PermanentError, TransientError, UsageError

REPOSITORY: Final = "petrobras/3W"
MAX_PAUSE: Final = 60.0
"""Longest wait before a retry in seconds, whatever the server asks for."""

_TIMEOUT: Final = (10.0, 30.0)
_CHUNK: Final = 64 * 1024
_SERVER_ERRORS: Final = (500, 502, 503, 504)
_RATE_LIMITED: Final = (403, 429)
_RANGE_ANSWERS: Final = (206, 416)
_LFS_POINTER: Final = b"version https://git-lfs"
_RECORDING: Final = re.compile(
    r"dataset/(?P<event_class>[0-9])/"
    r"(?P<name>(?P<source>(?P<well>WELL-[0-9]+)(?=_[0-9]{14}\.)|SIMULATED|DRAWN)_[0-9]+\.parquet)"
)
_SHA1: Final = re.compile(r"[0-9a-f]{40}")


class GitHubUnavailable(TransientError):
    """GitHub (or the mirror named instead) is out of reach, limits us or answers nonsense."""


class TransferFailed(TransientError):
    """One file could not be downloaded, or is not what the listing promised."""


class FolderUnusable(PermanentError):
    """The target folder can't be written to."""


class Origin(StrEnum):
    """How a recording came to be."""

    REAL = "real"
    SIMULATED = "simulated"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the repository is read from, and how patiently.

    `backoff` is the wait in seconds that is doubled from retry to retry, up to `MAX_PAUSE`.
    """

    api_url: str = "https://api.github.com"
    raw_url: str = "https://raw.githubusercontent.com"
    ref: str = "main"
    retries: int = 5
    backoff: float = 1.0

    @property
    def listing_url(self) -> str:
        """Address of the trees API for `ref`."""
        return f"{self.api_url}/repos/{REPOSITORY}/git/trees/{quote(self.ref, safe='')}"

    def file_url(self, file: "RemoteFile") -> str:
        """Address of a file's bytes."""
        return f"{self.raw_url}/{REPOSITORY}/{quote(self.ref)}/{file.path}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published recording: its path in the repository, bytes, and git blob SHA-1.

    Raises
    ------
    ValueError
        If the path is not `dataset/<class>/<name of 3W>.parquet`, so that no listing can name a
        place outside the target folder, or size or hash are none.
    """

    path: str
    size: int
    blob_sha1: str

    def __post_init__(self) -> None:
        if not is_recording(self.path):
            raise ValueError(f"{self.path!r} is not the path of a 3W recording")
        if type(self.size) is not int or self.size < 0:
            raise ValueError(f"{self.path}: size {self.size!r} is not a number of bytes")
        if not isinstance(self.blob_sha1, str) or not _SHA1.fullmatch(self.blob_sha1):
            raise ValueError(f"{self.path}: {self.blob_sha1!r} is not a SHA-1")

    @property
    def event_class(self) -> int:
        """Event class, 0-9."""
        return int(self._part("event_class"))

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
        return into / str(self.event_class) / self._part("name")

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
        match = _RECORDING.fullmatch(self.path)
        return match[group] if match else ""


def is_recording(path: object) -> bool:
    """Tell whether a path in the repository is that of a 3W recording."""
    return isinstance(path, str) and _RECORDING.fullmatch(path) is not None


def blob_sha1(path: Path) -> str:
    """Return the SHA-1 that git gives to a file's content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()


def list_files(remote: Remote, token: str = "") -> tuple[RemoteFile, ...]:
    """List every published recording, by path; `token` is sent to `remote.api_url` only.

    Raises
    ------
    GitHubUnavailable
        If there is no network, the rate limit is used up, or the listing is cut short or none.
    UsageError
        If the ref or the token is not valid.
    """
    with _session(remote, _SERVER_ERRORS, connect_retries=2) as session:
        try:
            response = session.get(
                remote.listing_url,
                params={"recursive": "1"},
                auth=_Bearer(token) if token else None,
                timeout=_TIMEOUT,
            )
        except requests.RequestException as error:
            raise GitHubUnavailable(
                f"{_host(remote.api_url)} can't be reached ({_cause(error)}): check the network, "
                "or the proxy in HTTPS_PROXY, and run again"
            ) from error
    _raise_for_refusal(response, remote)
    return _files_in(response, remote)


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _BoundedRetry(Retry):
    def get_retry_after(self, response: Any) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, MAX_PAUSE)


def _session(remote: Remote, statuses: tuple[int, ...], connect_retries: int) -> requests.Session:
    retry = _BoundedRetry(
        total=remote.retries,
        connect=min(connect_retries, remote.retries),
        backoff_factor=remote.backoff,
        backoff_max=MAX_PAUSE,
        status_forcelist=statuses,
        allowed_methods=("GET",),
        raise_on_status=False,
    )
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["User-Agent"] = "petrostream-fetch"
    return session


def _raise_for_refusal(response: requests.Response, remote: Remote) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    if status in _RATE_LIMITED and _is_rate_limit(response):
        raise GitHubUnavailable(
            f"GitHub answers no more listings to this address until {_limited_until(response)}: "
            "wait until then, or set GITHUB_TOKEN to a token of yours (it needs no permission)"
        )
    if status == requests.codes.unauthorized:
        raise UsageError("GitHub does not accept GITHUB_TOKEN: renew it, or unset it")
    if status == requests.codes.not_found:
        raise UsageError(f"{REPOSITORY} has no branch, tag or commit {remote.ref!r}: mend --ref")
    raise GitHubUnavailable(
        f"{_host(remote.api_url)} answered {status} {response.reason} instead of a listing: "
        "try again later"
    )


def _is_rate_limit(response: requests.Response) -> bool:
    return (
        response.headers.get("X-RateLimit-Remaining") == "0"
        or "Retry-After" in response.headers
        or "rate limit" in response.text.lower()
    )


def _limited_until(response: requests.Response) -> str:
    reset = response.headers.get("X-RateLimit-Reset", "")
    if response.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return f"{datetime.fromtimestamp(int(reset), UTC).astimezone():%H:%M %Z}"
    pause = response.headers.get("Retry-After", "")
    return f"{pause} seconds have passed" if pause.isdecimal() else "an hour has passed"


def _files_in(response: requests.Response, remote: Remote) -> tuple[RemoteFile, ...]:
    try:
        document = response.json()
        entries = [entry for entry in document["tree"] if is_recording(entry.get("path"))]
        files = {
            entry["path"]: RemoteFile(entry["path"], entry["size"], entry["sha"])
            for entry in entries
            if entry["type"] == "blob"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GitHubUnavailable(
            f"{_host(remote.api_url)} answered something else than a listing ({error}): check "
            "--api-url and the proxy"
        ) from error
    if document.get("truncated"):
        raise GitHubUnavailable(
            f'the listing of {remote.ref!r} is cut short (GitHub says "truncated": true), so '
            "files would be missed: name another --ref, or clone the repository with git"
        )
    return tuple(files[path] for path in sorted(files))


def file_session(remote: Remote) -> requests.Session:
    """Open a session for `transfer`; each thread needs its own."""
    return _session(remote, (429, *_SERVER_ERRORS), connect_retries=remote.retries)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file on its way.

    `received` is told of each number of bytes that was added to (or, negative, taken from) the
    part; once `stop` is set the transfer ends, and what is there stays for the next run.
    """

    session: requests.Session
    remote: Remote
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
    cause = ""
    for attempt in range(job.remote.retries + 1):
        try:
            _append(job)
        except requests.RequestException as error:
            cause = _cause(error)
        else:
            return not job.stop.is_set()
        if job.stop.wait(min(job.remote.backoff * 2**attempt, MAX_PAUSE)):
            return False
    raise TransferFailed(f"the connection broke {job.remote.retries + 1} times ({cause})")


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
            job.remote.file_url(job.file), headers=headers, stream=True, timeout=_TIMEOUT
        )
    except requests.RequestException as error:
        if _is_unreachable(error):
            raise GitHubUnavailable(
                f"{_host(job.remote.raw_url)} can't be reached ({_cause(error)})"
            ) from error
        raise TransferFailed(f"no answer ({_cause(error)})") from error
    status = response.status_code
    if status == requests.codes.ok or (offset and status in _RANGE_ANSWERS):
        return response
    response.close()
    if status == requests.codes.too_many_requests:
        raise GitHubUnavailable(
            f"{_host(job.remote.raw_url)} asks for fewer requests (429): wait some minutes and run "
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


def _is_unreachable(error: requests.RequestException) -> bool:
    return isinstance(
        _reason(error),
        urllib3.exceptions.NewConnectionError
        | urllib3.exceptions.ConnectTimeoutError
        | urllib3.exceptions.ProxyError
        | urllib3.exceptions.SSLError,
    )


def _cause(error: requests.RequestException) -> str:
    reason = _reason(error)
    arguments = reason.args if isinstance(reason, Exception) else ()
    return str(arguments[0] if arguments else reason).rsplit(": ", 1)[-1]


def _reason(error: requests.RequestException) -> object:
    """What went wrong beneath the wrappings of requests and urllib3."""
    inner = error.args[0] if error.args else error
    return getattr(inner, "reason", None) or inner


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
