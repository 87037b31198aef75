"""GitHub as `fetch` sees it: an HTTP server on loopback that publishes recordings, with faults."""

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TREES = "/repos/petrobras/3W/git/trees/"
COMMITS = "/repos/petrobras/3W/commits/"
RAW = "/petrobras/3W/"
_SHA_LENGTH = 40


class Request(NamedTuple):
    path: str
    range: str | None
    token: str | None


@dataclass
class GitHub:
    """What the server publishes at every commit, what it does wrong, and what it was asked.

    `faults` holds, for each path, what to do with the next requests for it: `cut` (close in the
    middle of the body), `stall` (wait there), `corrupt`, `pointer` (Git LFS), `no range`,
    `refuse range` (416), or a status to answer with. `refs` are branches and tags. Where `cut_at`
    is set, a listing of everything ends after so many entries and says so.
    """

    url: str = ""
    contents: dict[str, bytes] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    listing: dict[str, Any] | None = None
    listing_answer: tuple[int, dict[str, str], bytes] | None = None
    cut_at: int | None = None
    faults: dict[str, list[str | int]] = field(default_factory=lambda: defaultdict(list))
    requests: list[Request] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def entry(self, path: str) -> dict[str, Any]:
        content = self.contents[path]
        return {"path": path, "type": "blob", "size": len(content), "sha": git_sha1(content)}

    def tree(self) -> dict[str, Any]:
        """Return everything at once, as the listing with `recursive` has it."""
        other = [
            {"path": "dataset", "type": "tree", "sha": sha_of_folder("dataset")},
            {"path": "dataset/dataset.ini", "type": "blob", "size": 9, "sha": "0" * 40},
        ]
        entries = other + [self.entry(path) for path in self.contents]
        return {"tree": entries[: self.cut_at], "truncated": self.cut_at is not None}

    def folder(self, sha: str) -> dict[str, Any]:
        """Return one folder: that with this SHA-1, or the root for any other (a commit's)."""
        folders = {parent for path in self.contents for parent in _parents(path)} | {"docs"}
        below = next((f"{name}/" for name in folders if sha_of_folder(name) == sha), "")
        entries: list[dict[str, Any]] = [
            {"path": name.removeprefix(below), "type": "tree", "sha": sha_of_folder(name)}
            for name in folders
            if name.startswith(below) and "/" not in name.removeprefix(below)
        ]
        entries += [
            self.entry(path) | {"path": path.removeprefix(below)}
            for path in self.contents
            if path.startswith(below) and "/" not in path.removeprefix(below)
        ]
        return {"tree": entries, "truncated": False}

    def asked_for(self, path: str) -> list[str | None]:
        """Return the Range headers of the requests for a file."""
        return [
            request.range
            for request in self.requests
            if request.path.startswith(RAW) and request.path.endswith(f"/{path}")
        ]

    def files_asked_for(self) -> list[str]:
        """Return `<commit>/<path>` of the files that were asked for."""
        return [
            request.path.removeprefix(RAW)
            for request in self.requests
            if request.path.startswith(RAW)
        ]


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha_of_folder(name: str) -> str:
    return hashlib.sha1(f"tree {name}".encode()).hexdigest()


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    github: GitHub

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.github.requests.append(
            Request(url.path, self.headers.get("Range"), self.headers.get("Authorization"))
        )
        if url.path.startswith(COMMITS):
            self._answer_ref(url.path.removeprefix(COMMITS))
        elif url.path.startswith(TREES):
            sha, everything = url.path.removeprefix(TREES), "recursive=1" in url.query
            self._answer(*(self.github.listing_answer or self._listing(sha, everything=everything)))
        else:
            self._answer_file(url.path.removeprefix(RAW)[_SHA_LENGTH + 1 :])

    def _answer_ref(self, ref: str) -> None:
        commit = self.github.refs.get(ref)
        if self.headers.get("Accept") != "application/vnd.github.sha" or commit is None:
            self._answer(422, {}, b'{"message": "No commit found for SHA"}')
        else:
            self._answer(200, {}, commit.encode())

    def _listing(self, sha: str, *, everything: bool) -> tuple[int, dict[str, str], bytes]:
        github = self.github
        whole = github.listing or github.tree()
        return 200, {}, json.dumps(whole if everything else github.folder(sha)).encode()

    def _answer_file(self, path: str) -> None:
        faults = self.github.faults[path]
        fault = faults.pop(0) if faults else None
        content = self.github.contents[path]
        offset = int((self.headers.get("Range") or "bytes=0-")[len("bytes=") : -1])
        if isinstance(fault, int):
            self._answer(fault, {}, b"")
        elif fault == "corrupt":
            self._answer(200, {}, content[:-1] + bytes([content[-1] ^ 1]))
        elif fault == "pointer":
            self._answer(200, {}, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
        elif fault == "no range" or not offset:
            self._answer(200, {}, content, fault)
        elif fault == "refuse range" or offset >= len(content):
            self._answer(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
        else:
            content_range = f"bytes {offset}-{len(content) - 1}/{len(content)}"
            self._answer(206, {"Content-Range": content_range}, content[offset:], fault)

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, fault: object = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault in ("cut", "stall"):
            self.wfile.write(body[: len(body) * 2 // 3])
            self.wfile.flush()
            self.close_connection = True
        else:
            self.wfile.write(body)
        if fault == "stall":
            self.github.stalled.set()
            self.github.go_on.wait(20)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are part of the tests."""


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    """Serve what `github` publishes; its `url` says where."""
    server = Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"github": github}))
    github.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        github.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
