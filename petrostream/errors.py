"""Every error that PetroStream raises on purpose.

The two branches answer one question: can trying again help? `TransientError` says yes (the
queue delivers the message again), `PermanentError` says no (the object is set aside with its
reason). Messages name the object, what was expected and what to do.
"""

import errno
import re
from pathlib import Path
from typing import Final

_IN_THE_WAY: Final = frozenset({errno.ENOTDIR, errno.EEXIST})
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
UNWRITABLE: Final = _NO_ROOM | {errno.EIO, errno.EBADF}
"""What fails where an open file or stream is written; the system does not name it then."""

_LOGIN: Final = re.compile(r"(?<=://)[^/\s'\"<>]*@")


def without_passwords(text: str) -> str:
    """A text to show, where addresses no longer say who signs in there and how.

    >>> without_passwords("asking http://me:open-sesame@127.0.0.1:4566/: no answer")
    'asking http://***@127.0.0.1:4566/: no answer'
    """
    return _LOGIN.sub("***@", text)


def printable(text: str) -> str:
    """A text to show, on a terminal too: what can't be shown is a question mark.

    >>> printable(f"1.5{chr(27)}[2J")
    '1.5?[2J'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def reason_of(error: Exception) -> str:
    """Why the system or a library refused, in words: no number of an error, no path once more.

    >>> reason_of(FileNotFoundError(2, "No such file or directory", "limits.toml"))
    'no such file or directory'
    """
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words[:1].lower() + words[1:]


def refusal_of(error: OSError) -> str:
    """What the system refused, as a sentence: the file, and what is wrong with it.

    >>> refusal_of(PermissionError(13, "Permission denied", "limits.toml"))
    'limits.toml: permission denied'
    """
    named = error.filename2 or error.filename
    if not isinstance(named, str):
        return reason_of(error)
    if error.errno in _IN_THE_WAY:
        path = Path(named)
        in_the_way = [each for each in (path, *path.parents) if each.exists() and not each.is_dir()]
        if in_the_way:
            return f"{in_the_way[-1]} is no folder, and {named} needs one there"
    advice = ": make room, then run the same command again" if error.errno in _NO_ROOM else ""
    return f"{named}: {reason_of(error)}{advice}"


class PetroStreamError(Exception):
    """Anything that PetroStream can explain to a user; a password in an address is not shown."""

    def __str__(self) -> str:
        return without_passwords(super().__str__())


class TransientError(PetroStreamError):
    """A fault that passes: the same work may succeed later."""


class PermanentError(PetroStreamError):
    """A fault that stays: the same work fails again until somebody changes something."""


class UsageError(PermanentError):
    """The user asked for something that can't be done; entry points exit with code 2."""


class SettingsError(UsageError):
    """A setting is missing or has no meaning."""


class UnreadableRecording(PermanentError):
    """A file is not a 3W recording that can be read."""


class RecordingClaimed(PermanentError):
    """A recording's name stands for other readings already, or for other batches of them."""


class InvalidBatch(PermanentError):
    """An object in the raw bucket breaks the batch contract."""


class InvalidModel(PermanentError):
    """A published model is damaged, unknown or not what the pointer promised."""


class InvalidEvaluation(PermanentError):
    """The evaluation beside a published model is damaged, or of another version."""


class ObjectMissing(PermanentError):
    """The object is not (or no longer) in its bucket."""


class ObjectArchived(PermanentError):
    """An object is there, but its bytes have to be restored first."""


class ObjectTooLarge(PermanentError):
    """An object is larger than what may be read; `etag` is its own, "" where it is not known."""

    def __init__(self, message: str, etag: str = "") -> None:
        super().__init__(message)
        self.etag = etag


class ObjectReplaced(TransientError):
    """Another object was written under the key while the one before was at work."""


class ProfileNotReady(TransientError):
    """A batch came before the first batch of its recording."""


class ModelNotReady(TransientError):
    """No model has been published yet."""


class ServiceUnavailable(TransientError):
    """AWS (or the embedded AWS) did not answer, refused or throttled a call."""
