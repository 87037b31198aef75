"""Objects that can't be read: each is left out and named, and the rest is shown."""

from dataclasses import dataclass
from typing import Final

from petrostream.errors import without_passwords

_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that is left out, and why."""

    key: str
    reason: str


def unreadable_reason(error: Exception) -> str:
    """An error in one line; a missing piece of metadata is all that raises the first two."""
    if isinstance(error, KeyError | TypeError):
        return "it is not a scored batch: what PetroStream writes into it is missing or damaged"
    text = without_passwords(str(error)).strip()
    return text.split("\n", maxsplit=1)[0][:_LONGEST] or type(error).__name__
