"""Files are written whole or not at all, and the system's refusals are sentences that name them."""

import errno
import os
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from petrostream.errors import refusal_of
from petrostream.files import naming, write_whole


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    write_whole(path, b"one", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_writers_at_once_leave_a_whole_file_of_its_mode_at_every_moment(tmp_path: Path) -> None:
    path, bodies = tmp_path / "state.json", (b"a" * 400_000, b"b" * 300_000)
    write_whole(path, bodies[0], mode=0o600)
    begin = threading.Barrier(len(bodies) + 1)

    def write(body: bytes) -> None:
        begin.wait()
        for _ in range(100):
            write_whole(path, body, mode=0o600)

    with ThreadPoolExecutor(len(bodies)) as pool:
        writers = [pool.submit(write, body) for body in bodies]
        begin.wait()
        while not all(writer.done() for writer in writers):
            with path.open("rb") as file:
                assert file.read() in bodies
                assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
        assert [writer.exception() for writer in writers] == [None, None]
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_of_another_writer_stays(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("state.json.draft", ".state.json.draft")]
    for other in others:
        other.write_bytes(b"half of it")
    write_whole(tmp_path / "state.json", b"whole")
    with pytest.raises(OSError, match="too long"):
        write_whole(tmp_path / ("n" * 300), b"whole")
    assert {other.read_bytes() for other in others} == {b"half of it"}
    assert len(list(tmp_path.iterdir())) == 3


def test_what_can_not_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    with no_room(), pytest.raises(OSError, match="File too large") as refused:
        write_whole(path, b"new")
    assert refused.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_not_be_begun_is_named_without_its_draft(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (folder, tmp_path / ("n" * 300)):
        with pytest.raises(OSError, match=r"too long|Is a directory") as refused:
            write_whole(path, b"new")
        assert refusal_of(refused.value).startswith(f"{path}")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_name_that_the_system_gave_stays() -> None:
    with pytest.raises(FileNotFoundError) as refused, naming(Path("state.json")):
        Path("/nowhere/at/all").read_bytes()
    assert refused.value.filename == "/nowhere/at/all"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a"), "a: no space left on device: make"),
        (OSError(errno.EROFS, "Read-only file system", "a"), "a: read-only file system"),
        (OSError(errno.EXDEV, "Cross-device link", "a", None, "b"), "b: cross-device link"),
        (OSError(errno.ENOTDIR, "Not a directory", "/nowhere/a"), "/nowhere/a: not a directory"),
        (OSError(errno.EIO, "Input/output error"), "input/output error"),
        (OSError("it just can't"), "it just can't"),
    ],
)
def test_refusals_are_sentences(error: OSError, sentence: str) -> None:
    assert refusal_of(error).startswith(sentence)


def test_what_stands_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "a" / "b"):
        with pytest.raises(OSError, match=r"exists|Not a directory") as refused:
            path.mkdir()
        assert refusal_of(refused.value) == f"{file} is no folder, and {path} needs one there"
