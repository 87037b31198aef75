"""Files of what was listed of a bucket: how to know them, and how to remove no other.

The folder that holds them may be any that a user names, so that a name alone proves nothing.
"""

import re
from pathlib import Path
from typing import Final

SUFFIX: Final = ".listing"
DRAFT: Final = ".draft"
_TITLE: Final = b"PetroStream listing "
MAGIC: Final = _TITLE + b"2\n"
"""What a file of this version begins with."""

_NAME: Final = re.compile(r"\d{4}-\d\d-\d\d(\.listing|[a-z0-9_]{8}\.draft)", re.ASCII)


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
