"""Which AWS account and region the credentials lead to, and clients for it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from petrostream.aws.clients import error_code
from petrostream.errors import PetroStreamError, ServiceUnavailable, UsageError

DEFAULT_REGION: Final = "us-east-1"
_CONFIG: Final = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=60
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN: Final = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)
_REFUSED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
_SIGN_IN: Final = "sign in with `aws sso login` or `aws configure`, or set AWS_PROFILE"

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Account:
    """An account, who acts in it, and the endpoint where it is not AWS itself."""

    id: str
    caller: str
    endpoint: str

    def __str__(self) -> str:
        elsewhere = f", at {self.endpoint} (AWS_ENDPOINT_URL)" if self.endpoint else ""
        return f"{self.id} as {self.caller}{elsewhere}"


def client(service: str, region: str | None = None) -> Any:
    """A client for a service, in the region of the environment unless another is named."""
    with explained(f"using {service}"), _lock:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region or chosen_region() or DEFAULT_REGION,
            config=_CONFIG,
        )


def chosen_region() -> str | None:
    """The region of the environment or the profile; AWS's own clients take the same."""
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    try:
        return named or boto3.Session().region_name
    except BotoCoreError:
        return None


def identify() -> Account:
    """Ask AWS whose the credentials are.

    Raises
    ------
    UsageError
        If there are none, or AWS does not accept them.
    """
    with explained("asking AWS whose the credentials are"):
        answer = client("sts").get_caller_identity()
    return Account(
        str(answer["Account"]),
        str(answer["Arn"]).rpartition(":")[2],
        os.environ.get("AWS_ENDPOINT_URL", ""),
    )


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn AWS's errors inside the block into a sentence; `what` names the work.

    Other than `petrostream.aws.clients.explained`, for which credentials that expired are a fault
    that passes: a batch is then tried again. Here a person waits, who has to sign in.

    Raises
    ------
    UsageError
        If the credentials are missing, unknown or expired.
    ServiceUnavailable
        For everything else.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(what, error) from error
    except ProfileNotFound as error:
        raise UsageError(f"{error}: check AWS_PROFILE and ~/.aws/config") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise UsageError(f"there are no AWS credentials: {_SIGN_IN}") from error
    except EndpointConnectionError as error:
        raise ServiceUnavailable(
            f"AWS can't be reached ({error}): check the network, the region and AWS_ENDPOINT_URL"
        ) from error
    except BotoCoreError as error:
        if "sso" in type(error).__name__.lower() or "token" in type(error).__name__.lower():
            raise UsageError(f"the sign-in has expired: {_SIGN_IN} ({error})") from error
        raise ServiceUnavailable(f"{what}: {error}") from error
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from error


def _refusal(what: str, error: ClientError) -> PetroStreamError:
    code = error_code(error)
    if code in _EXPIRED:
        return UsageError(f"the AWS credentials have expired: {_SIGN_IN}")
    if code in _UNKNOWN:
        return UsageError("AWS does not know these credentials: check AWS_PROFILE and the keys")
    if code in _REFUSED:
        return ServiceUnavailable(f"{what}: the credentials lack permission ({error})")
    return ServiceUnavailable(f"{what}: {error}")
