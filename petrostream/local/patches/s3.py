"""Mends of moto's S3: policies that insist on TLS, versions, and writes on a condition."""

import json
import threading
from functools import lru_cache
from typing import Any, Final

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey
from moto.s3.responses import S3Response

from petrostream.local.patches._mend import Mend

_TLS_KEY: Final = "aws:SecureTransport"


def _get_permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Stock moto knows no request's TLS, so that a Deny without TLS refuses every object.

    The loopback counts as secure: statements that refuse what comes without TLS, and have no other
    condition, don't apply. Statements with other conditions are left to stock moto, which knows no
    condition to be met and refuses.
    """
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    return _over_tls(bucket.policy).is_action_permitted(action, resource)


@lru_cache(maxsize=64)
def _over_tls(policy: bytes) -> IAMPolicy:
    document: dict[str, Any] = json.loads(policy)
    found = document["Statement"]
    statements = found if isinstance(found, list) else [found]
    document["Statement"] = [
        statement for statement in statements if not _refuses_plain_http_only(statement)
    ]
    return IAMPolicy(json.dumps(document))


def _refuses_plain_http_only(statement: dict[str, Any]) -> bool:
    condition = statement.get("Condition", {})
    if statement.get("Effect") != "Deny" or list(condition) != ["Bool"]:
        return False
    return [(key, str(value).lower()) for key, value in condition["Bool"].items()] == [
        (_TLS_KEY, "false")
    ]


def _itself(version: FakeKey | FakeDeleteMarker, _memo: dict[int, Any]) -> Any:
    """Stock moto lists versions from a deep copy of the bucket, every body included."""
    return version


def _dispose(_marker: FakeDeleteMarker, *, garbage: bool = False) -> None:
    """Stock moto asks a delete marker to free its body when its bucket is no longer versioned."""


_stock_put_object = S3Response.put_object
_putting = threading.Lock()


def _put_object(response: S3Response) -> Any:
    """Stock moto looks and writes in two steps: of two writers at once, both find nothing there."""
    with _putting:
        return _stock_put_object(response)


MENDS: Final = (
    Mend(S3Response, "put_object", _put_object),
    Mend(FakeBucket, "get_permission", _get_permission),
    Mend(FakeKey, "__deepcopy__", _itself),
    Mend(FakeDeleteMarker, "__deepcopy__", _itself),
    Mend(FakeDeleteMarker, "dispose", _dispose),
)
