"""Files are written whole or not at all, and the system's refusals are sentences that name them."""

import errno
from pathlib import Path

import pytest

from petrostream.errors import refusal_of
from petrostream.files import naming, write_whole


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    write_whole(path, b"one", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_what_can_not_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    (tmp_path / "state.json.draft").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as refused:
        write_whole(path, b"new")
    assert refused.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


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
