"""Files that are written whole or not at all, and named where they can't be.

The system names a file that can't be opened, but not one that can't be written on a full disk.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name a file in the system's error about it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_whole(path: Path, body: bytes, *, mode: int = 0o666) -> None:
    """Write a file in one step: another one that is there stays until this one is complete.

    Each writer has a draft of its own, so that of several at once the last one's file is there as
    a whole. A draft is hidden, as what a process leaves that is killed while it writes.

    Parameters
    ----------
    mode
        Who may read and write it, as `chmod` counts; the user's mask is taken off.

    Raises
    ------
    OSError
        If it can't be written; it names the file.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.draft")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _new(draft, path, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise


def _new(draft: Path, path: Path, mode: int) -> int:
    """Open a file that is not there yet; the system takes the mask off, so that none is asked."""
    try:
        return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        error.filename = str(path)
        raise
