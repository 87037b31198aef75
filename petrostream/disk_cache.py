"""Files of what was listed of a bucket: where they are, how to know them and remove no other.

The folder that holds them may be any that a user names, so that a name alone proves nothing.
"""

import os
import re
from pathlib import Path
from typing import Final

from petrostream.settings import variable

SUFFIX: Final = ".listing"
DRAFT: Final = ".draft"
_TITLE: Final = b"PetroStream listing "
MAGIC: Final = _TITLE + b"2\n"
"""What a file of this version begins with."""

_NAME: Final = re.compile(r"\d{4}-\d\d-\d\d(\.listing|[a-z0-9_]{8}\.draft)", re.ASCII)


def place_cache(endpoint: str, bucket: str) -> Path | None:
    """Folder of what a bucket was found to hold, which can be found again.

    It is in the folder `petrostream` of the one that `PETROSTREAM_CACHE` names; `off` there
    gives `None`.
    """
    chosen = os.environ.get(variable("cache"), "")
    folder = Path(chosen) / "petrostream" if chosen else _users_cache()
    if chosen == "off" or folder is None:
        return None
    address = re.sub(r"^[^/]*@", "", endpoint.partition("://")[2])
    place = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{address}--{bucket}")
    return folder / place.lstrip(".-")


def _users_cache() -> Path | None:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        folder = named if named.is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None
    return folder / "petrostream"


def listings_in(folder: Path, suffix: str = "") -> list[Path]:
    """The files of a folder that are called as ours are, and end so; drafts are among them."""
    return [
        path
        for path in folder.iterdir()
        if _NAME.fullmatch(path.name) and path.name.endswith(suffix)
    ]


def remove(path: Path) -> None:
    """Remove a file if it was written by a version of PetroStream; a draft may be empty yet."""
    if path.is_symlink() or not path.is_file():
        return
    with path.open("rb") as file:
        begin = file.read(len(_TITLE))
    if begin == _TITLE or (path.suffix == DRAFT and not begin):
        path.unlink(missing_ok=True)
