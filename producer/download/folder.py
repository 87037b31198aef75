"""The folder that is filled: that it has room, and holds recordings of one commit only."""

import os
import shutil
from pathlib import Path
from typing import Final

from petrostream.errors import UsageError
from producer.download.http import FolderUnusable
from producer.download.releases import REPOSITORY
from producer.progress import readable_bytes

_NOTE: Final = ".fetched-from"


def require_same_origin(folder: Path, commit: str) -> None:
    """Refuse a folder that was fetched from another commit.

    Releases name and cut the same hours of a well differently: together they would count twice.

    Raises
    ------
    UsageError
        If the folder's note names another commit.
    """
    note = folder / _NOTE
    if not note.is_file():
        return
    noted = note.read_text("utf-8", errors="replace").strip()
    if noted != _origin(commit):
        raise UsageError(
            f"{folder} was fetched from {noted}, not from {_origin(commit)}: name another folder "
            "with --into, or that commit with --ref"
        )


def prepare(folder: Path, commit: str, needed: int) -> None:
    """Make the folder, see that it takes `needed` bytes more, and note the commit in it.

    Raises
    ------
    FolderUnusable
        If the folder can't be made or written to, or has too little room.
    """
    _make_room(folder, needed)
    (folder / _NOTE).write_text(f"{_origin(commit)}\n", "utf-8")


def _make_room(folder: Path, needed: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise FolderUnusable(
            f"{folder} can't be made a folder ({error.strerror}): name another one with --into"
        ) from error
    if not os.access(folder, os.W_OK):
        raise FolderUnusable(f"{folder} is not writable: name another one with --into")
    if needed > free:
        raise FolderUnusable(
            f"{folder} has {readable_bytes(free)} left and {readable_bytes(needed)} are needed: "
            "make room, choose fewer files, or name another folder with --into"
        )


def _origin(commit: str) -> str:
    return f"{REPOSITORY} {commit}"
