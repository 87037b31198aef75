"""How GitHub is asked: where, how patiently, and what went wrong in the words of a person."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from petrostream.errors import PermanentError, TransientError
from producer.download.releases import REPOSITORY

MAX_PAUSE: Final = 60.0
"""Longest wait before a retry in seconds, whatever the server asks for."""
TIMEOUT: Final = (10.0, 30.0)
"""Seconds to connect, and between two pieces of an answer."""
SERVER_ERRORS: Final = (500, 502, 503, 504)


class GitHubUnavailable(TransientError):
    """GitHub (or the mirror named instead) is out of reach, limits us or answers nonsense."""


class TransferFailed(TransientError):
    """One file could not be downloaded, or is not what the listing promised."""


class FolderUnusable(PermanentError):
    """The target folder can't be written to."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the repository is read from, and how patiently.

    `backoff` is the wait in seconds that is doubled from retry to retry, up to `MAX_PAUSE`;
    `token` is sent to `api_url` only.
    """

    api_url: str = "https://api.github.com"
    raw_url: str = "https://raw.githubusercontent.com"
    retries: int = 5
    backoff: float = 1.0
    token: str = ""

    def api(self, what: str) -> str:
        """Address of something that GitHub's interface tells of the repository."""
        return f"{self.api_url.rstrip('/')}/repos/{REPOSITORY}/{what}"

    def raw(self, commit: str, path: str) -> str:
        """Address of the bytes that a file has at a commit."""
        return f"{self.raw_url.rstrip('/')}/{REPOSITORY}/{commit}/{path}"


class _BoundedRetry(Retry):
    def get_retry_after(self, response: Any) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, MAX_PAUSE)


def open_session(
    remote: Remote, statuses: tuple[int, ...], connect_retries: int
) -> requests.Session:
    """Open a session that asks again after a broken connection and after these statuses."""
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


def is_unreachable(error: requests.RequestException) -> bool:
    """Tell whether no connection could be made at all."""
    return isinstance(
        _reason(error),
        urllib3.exceptions.NewConnectionError
        | urllib3.exceptions.ConnectTimeoutError
        | urllib3.exceptions.ProxyError
        | urllib3.exceptions.SSLError,
    )


def cause(error: requests.RequestException) -> str:
    """Return what went wrong, without the wrappings of requests and urllib3."""
    reason = _reason(error)
    arguments = reason.args if isinstance(reason, Exception) else ()
    return str(arguments[0] if arguments else reason).rsplit(": ", 1)[-1]


def _reason(error: requests.RequestException) -> object:
    inner = error.args[0] if error.args else error
    return getattr(inner, "reason", None) or inner


def host(url: str) -> str:
    """Return who is asked at an address, without a password."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:
        return url
