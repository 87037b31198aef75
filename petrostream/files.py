"""Files that are written whole or not at all, and named where they can't be.

The system names a file that can't be opened, but not one that can't be written on a full disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_DRAFT: Final = ".draft"


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

    Parameters
    ----------
    mode
        Who may read and write it, as `chmod` counts; the user's mask is taken off.

    Raises
    ------
    OSError
        If it can't be written; it names the file.
    """
    draft = path.with_name(f"{path.name}{_DRAFT}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.touch(mode=mode)
            draft.write_bytes(body)
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
