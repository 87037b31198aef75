"""What a commit of the repository holds, as GitHub's interface lists it.

One request lists everything. Where GitHub cuts that short (beyond 100,000 entries or 7 MB), the
folders are asked for one by one.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import requests

from petrostream.documents import Bounds, Part, read_json
from petrostream.errors import PermanentError, UsageError
from producer.download.http import (
    SERVER_ERRORS,
    TIMEOUT,
    GitHubUnavailable,
    Remote,
    cause,
    host,
    open_session,
)
from producer.download.published import RemoteFile, is_recording, is_sha1
from producer.download.releases import REPOSITORY

_RATE_LIMITED: Final = (403, 429)
_UNKNOWN: Final = (404, 422)
_BOUNDS: Final = Bounds(size=64 * 1024 * 1024, values=2_000_000)
"""GitHub cuts a listing at 100,000 entries or 7 MB."""
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_FOLDER: Final = re.compile(r"dataset(/[0-9])?")


def find_commit(remote: Remote, ref: str) -> str:
    """Return the commit that a branch, a tag or a commit's name stands for now.

    Raises
    ------
    GitHubUnavailable
        If there is no network, the rate limit is used up, or the answer is none.
    UsageError
        If there is no such branch, tag or commit, or the token is not valid.
    """
    if is_sha1(ref.lower()):
        return ref.lower()
    with _Interface(remote, ref) as interface:
        commit = interface.ask(
            f"commits/{quote(ref, safe='')}", accept="application/vnd.github.sha"
        ).text.strip()
    if not is_sha1(commit):
        raise _nonsense(remote, f"{commit[:40]!r} is no commit")
    return commit


def list_files(remote: Remote, commit: str, suffix: str) -> tuple[RemoteFile, ...]:
    """List every recording of a commit that ends in `suffix`, by path.

    Raises
    ------
    GitHubUnavailable
        If there is no network, the rate limit is used up, or the listing is cut short or none.
    UsageError
        If there is no such commit, or the token is not valid.
    """
    with _Interface(remote, commit) as interface:
        tree = _tree(interface, commit, recursive=True)
        entries = _entries_by_folder(interface, commit) if tree.truncated else tree.entries
    with _expecting_a_listing(remote):
        return tuple(
            RemoteFile(path, entries[path]["size"].whole(least=0), entries[path]["sha"].text())
            for path in sorted(entries)
            if entries[path]["type"].plain == "blob" and is_recording(path, suffix)
        )


@dataclass(frozen=True, slots=True)
class _Tree:
    entries: dict[str, Part]
    truncated: bool


def _tree(interface: "_Interface", sha: str, *, recursive: bool = False, below: str = "") -> _Tree:
    """Ask for a tree; its entries by their path in the repository."""
    answer = interface.ask(f"git/trees/{sha}", {"recursive": "1"} if recursive else {})
    with _expecting_a_listing(interface.remote):
        document = read_json(answer.content, "it", bounds=_BOUNDS)
        entries = {f"{below}{each['path'].text()}": each for each in document["tree"].entries()}
        truncated = document.get("truncated")
        return _Tree(entries, truncated is not None and truncated.truth())


def _entries_by_folder(interface: "_Interface", commit: str) -> dict[str, Part]:
    found: dict[str, Part] = {}
    pending = [("", commit)]
    while pending:
        below, sha = pending.pop()
        tree = _tree(interface, sha, below=below)
        if tree.truncated:
            raise GitHubUnavailable(
                f"the listing of {below or 'the repository'} at {commit} is cut short (GitHub says "
                '"truncated": true), so files would be missed: name another --ref, or clone the '
                "repository with git"
            )
        found |= tree.entries
        with _expecting_a_listing(interface.remote):
            pending += [
                (f"{path}/", entry["sha"].text())
                for path, entry in tree.entries.items()
                if entry["type"].plain == "tree" and _FOLDER.fullmatch(path)
            ]
    return found


@contextmanager
def _expecting_a_listing(remote: Remote) -> Iterator[None]:
    try:
        yield
    except (PermanentError, ValueError) as error:
        raise _nonsense(remote, error) from error


def _nonsense(remote: Remote, what: object) -> GitHubUnavailable:
    return GitHubUnavailable(
        f"{host(remote.api_url)} answered something else than a listing ({what}): check "
        "--api-url and the proxy"
    )


class _Interface:
    """GitHub's interface, asked about one ref; refusals become sentences."""

    def __init__(self, remote: Remote, ref: str) -> None:
        self.remote = remote
        self._ref = ref
        self._session = open_session(remote, SERVER_ERRORS, connect_retries=2)

    def __enter__(self) -> "_Interface":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(
        self, what: str, parameters: dict[str, str] | None = None, accept: str = "application/json"
    ) -> requests.Response:
        token = self.remote.token
        try:
            response = self._session.get(
                self.remote.api(what),
                params=parameters,
                headers={"Accept": accept},
                auth=_Bearer(token) if token else None,
                timeout=TIMEOUT,
            )
        except requests.RequestException as error:
            raise GitHubUnavailable(
                f"{host(self.remote.api_url)} can't be reached ({cause(error)}): check the "
                "network, or the proxy in HTTPS_PROXY, and run again"
            ) from error
        self._raise_for_refusal(response)
        return response

    def _raise_for_refusal(self, response: requests.Response) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if status in _RATE_LIMITED and _is_rate_limit(response):
            raise GitHubUnavailable(
                "GitHub answers no more listings to this address until "
                f"{_limited_until(response)}: wait until then, or set GITHUB_TOKEN to a token of "
                "yours (it needs no permission)"
            )
        if status == requests.codes.unauthorized:
            raise UsageError("GitHub does not accept GITHUB_TOKEN: renew it, or unset it")
        if status in _UNKNOWN:
            raise UsageError(f"{REPOSITORY} has no branch, tag or commit {self._ref!r}: mend --ref")
        raise GitHubUnavailable(
            f"{host(self.remote.api_url)} answered {status} {response.reason} instead of a "
            "listing: try again later"
        )


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _is_rate_limit(response: requests.Response) -> bool:
    return (
        response.headers.get("X-RateLimit-Remaining") == "0"
        or "Retry-After" in response.headers
        or "rate limit" in response.text.lower()
    )


def _limited_until(response: requests.Response) -> str:
    reset = response.headers.get("X-RateLimit-Reset", "")
    if response.headers.get("X-RateLimit-Remaining") == "0" and _SECONDS.fullmatch(reset):
        return f"{datetime.fromtimestamp(int(reset), UTC).astimezone():%H:%M %Z}"
    pause = response.headers.get("Retry-After", "")
    return f"{pause} seconds have passed" if _SECONDS.fullmatch(pause) else "an hour has passed"
