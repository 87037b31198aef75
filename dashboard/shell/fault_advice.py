"""What a person can do about a fault of the place that the dashboard reads from."""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from petrostream.aws.clients import error_code
from petrostream.errors import PetroStreamError, SettingsError

_NO_STACK: Final = (
    "**There is nothing to read from yet.** `petrostream up` starts the local stack; to read from "
    "another one, set `PETROSTREAM_CURATED_BUCKET` and the usual AWS variables. Then press Refresh."
)
_UNREACHABLE: Final = (
    "**The storage does not answer.** `petrostream status` shows whether the local stack "
    "still runs, `petrostream down` and `petrostream up` start it anew. Then press Refresh."
)
_NO_BUCKET: Final = (
    "**The curated bucket does not exist.** `petrostream status` names the buckets of the stack "
    "that is up; `petrostream down` and `petrostream up` make them anew. Then press Refresh."
)
_REFUSED: Final = (
    "**These credentials may not read the curated bucket.** They need `s3:ListBucket` on it and "
    "`s3:GetObject` on `scored/*`, `summaries/*`, `events/*` and `profiles/*` in it. Then press "
    "Refresh."
)
_OTHER: Final = (
    "**The storage could not be read.** Press Refresh to try again; `petrostream status` shows how "
    "the local stack is."
)
_BY_CODE: Final = {
    "NoSuchBucket": _NO_BUCKET,
    "AccessDenied": _REFUSED,
    "AccessDeniedException": _REFUSED,
    "Forbidden": _REFUSED,
    "403": _REFUSED,
    "InvalidAccessKeyId": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "ExpiredToken": _REFUSED,
}


def advice(error: PetroStreamError) -> str:
    """Say in Markdown what is wrong and what to do; holds no text from outside."""
    if isinstance(error, SettingsError):
        return _NO_STACK
    if isinstance(error.__cause__, ClientError):
        return _BY_CODE.get(error_code(error.__cause__), _OTHER)
    if isinstance(error.__cause__, BotoCoreError):
        return _UNREACHABLE
    return _OTHER
