"""AWS clients, and AWS's errors in the project's terms."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
)

from petrostream.errors import ObjectArchived, ObjectMissing, ServiceUnavailable, SettingsError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

_CONFIG: Final = Config(
    retries={"mode": "standard", "max_attempts": 3},
    connect_timeout=3,
    read_timeout=25,
    max_pool_connections=32,
)
_CUT_TRIES: Final = 3
_AFTER_CUT_SECONDS: Final = 0.2
_ARCHIVED: Final = "InvalidObjectState"
_MISSING: Final = frozenset({"NoSuchKey", "404"})
_UNKNOWN_PLACE: Final = frozenset(
    {"NoSuchBucket", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
)
_REFUSED: Final = frozenset({"AccessDenied", "403", "Forbidden", "AccessDeniedException"})

_Service = Literal["athena", "cloudwatch", "glue", "s3", "sns", "sqs", "ssm"]

_lock = threading.Lock()


def _client(service: Literal["glue", "s3", "sqs", "sns", "ssm"]) -> Any:
    return _made(service, _CONFIG)


def _made(service: _Service, config: Config) -> Any:
    try:
        with _lock:  # making a client is not thread-safe, using one is
            client = boto3.client(service, config=config)
        urlsplit(client.meta.endpoint_url).port  # noqa: B018 - boto looks at it only when it calls
    except NoRegionError as error:
        raise SettingsError(
            "no AWS region is set: set AWS_REGION, or run `petrostream up`"
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(f"AWS can't be used: {error}") from error
    refuse_cut_answers(client)
    return client


def s3() -> "S3Client":
    """A client for S3."""
    client: S3Client = _client("s3")
    return client


def sqs() -> "SQSClient":
    """A client for SQS."""
    client: SQSClient = _client("sqs")
    return client


def sns() -> "SNSClient":
    """A client for SNS."""
    client: SNSClient = _client("sns")
    return client


def ssm() -> "SSMClient":
    """A client for SSM."""
    client: SSMClient = _client("ssm")
    return client


def glue() -> Any:
    """A client for Glue."""
    return _client("glue")


def is_cut(answer: Any) -> bool:
    """Whether an HTTP answer ends within its own head.

    Such an answer has lost the length of what was to follow, and boto takes it for an empty one:
    no messages, no objects. A body that is too short boto finds itself.
    """
    has_length = {"content-length", "transfer-encoding"} & {name.lower() for name in answer.headers}
    return answer.status_code == HTTPStatus.OK and not has_length and not answer.content


def refuse_cut_answers(client: Any) -> None:
    """Let a client try again where an answer was cut short, and then raise.

    A listing would else be taken for that of an empty bucket. The error is botocore's
    `ConnectionClosedError`.
    """

    def check(
        response: Any = None, attempts: int = 0, request_dict: Any = None, **_: Any
    ) -> float | None:
        if response is None or not is_cut(response[0]):
            return None
        if attempts >= _CUT_TRIES:
            raise ConnectionClosedError(endpoint_url=(request_dict or {}).get("url", "AWS"))
        return _AFTER_CUT_SECONDS * attempts

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"needs-retry.{service}", check)


def client_of(service: Literal["athena", "cloudwatch"], config: Config) -> Any:
    """A client of a service that pages alone ask, with a configuration of its own.

    Raises
    ------
    SettingsError
        If no region is set, or the endpoint is no address.
    """
    return _made(service, config)


def error_code(error: ClientError) -> str:
    """AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn AWS's errors inside the block into the project's; `what` names the work.

    Raises
    ------
    ObjectMissing
        If the object is not there.
    ObjectArchived
        If it is there, but can't be read before it is restored.
    SettingsError
        If there are no credentials, or a name is not one that AWS can have.
    ServiceUnavailable
        For everything else: refused, throttled, unreachable, no such bucket.
    """
    try:
        yield
    except NoCredentialsError as error:
        raise SettingsError(f"{what}: there are no AWS credentials") from error
    except ClientError as error:
        code = error_code(error)
        if code in _MISSING:
            raise ObjectMissing(f"{what}: it does not exist") from error
        if code == _ARCHIVED:
            raise ObjectArchived(
                f"{what}: it is in an archive class of S3: restore it, then copy it onto itself"
            ) from error
        if code in _UNKNOWN_PLACE:
            raise ServiceUnavailable(f"{what}: the bucket or queue does not exist") from error
        if code in _REFUSED:
            raise ServiceUnavailable(f"{what}: AWS refuses it for lack of permission") from error
        raise ServiceUnavailable(f"{what}: {error}") from error
    except ParamValidationError as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{what}: a setting has no meaning to AWS ({reason})") from error
    except BotoCoreError as error:
        raise ServiceUnavailable(f"{what}: AWS can't be reached ({error})") from error
