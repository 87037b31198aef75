"""What the stack consists of, and how to make it with plain API calls on the embedded AWS.

The quick way, in a second: what the pipeline itself runs on, with the names and attributes that
`infrastructure/` gives. Terraform makes the rest too (lifecycles, registry, catalogue, alarms).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3

from petrostream.aws import clients as aws
from petrostream.local.endpoint import ACCOUNT, NAME, REGION
from petrostream.local.function import (
    FUNCTION,
    FUNCTION_MEMORY_MB,
    FUNCTION_TIMEOUT_SECONDS,
    lambda_client,
)
from petrostream.registry.models import NO_MODEL
from petrostream.schema.keys import READINGS, SUFFIX
from petrostream.settings import Settings, variable

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

BUCKETS: Final = {
    kind: f"{NAME}-{kind}-{ACCOUNT}-{REGION}" for kind in ("raw", "curated", "models", "results")
}
VERSIONED: Final = ("raw", "curated", "models")
QUEUE: Final = f"{NAME}-ingest"
RETRIES_QUEUE: Final = f"{NAME}-ingest-retries"
DEAD_LETTER_QUEUE: Final = f"{NAME}-ingest-dlq"
TOPIC: Final = f"{NAME}-alarms"
PLATFORM_TOPIC: Final = f"{NAME}-platform"
MODEL_PARAMETER: Final = f"/{NAME}/model"

BATCH_SIZE: Final = 10
BATCHING_WINDOW_SECONDS: Final = 0
MAXIMUM_CONCURRENCY: Final = 8
RETRIES_CONCURRENCY: Final = 2
MAX_RECEIVE_COUNT: Final = 5
LONG_POLL_SECONDS: Final = 20
RETENTION_SECONDS: Final = 14 * 86_400
MAXIMUM_MESSAGE_BYTES: Final = 256 * 1024
VISIBILITY_FACTOR: Final = 6
"""AWS's advice: a message stays hidden for six times as long as the function may run."""

_NO_IMAGE: Final = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{FUNCTION}@sha256:{'0' * 64}"
"""The worker runs the code of this folder, so no image has to be there."""


@dataclass(frozen=True)
class Clients:
    """Clients for the services that the stack uses."""

    s3: "S3Client"
    sqs: "SQSClient"
    sns: "SNSClient"
    ssm: "SSMClient"
    lambda_: Any
    iam: Any

    @classmethod
    def connect(cls) -> "Clients":
        """Clients for the AWS that the environment names."""
        return cls(aws.s3(), aws.sqs(), aws.sns(), aws.ssm(), lambda_client(), boto3.client("iam"))


def provision(
    clients: Clients,
    *,
    function_timeout_seconds: int = FUNCTION_TIMEOUT_SECONDS,
    max_receive_count: int = MAX_RECEIVE_COUNT,
) -> Settings:
    """Make buckets, queues, notification, topics, pointer, function and event source mappings."""
    for kind, bucket in BUCKETS.items():
        _make_bucket(clients.s3, bucket, versioned=kind in VERSIONED)
    dead_letter_url = _make_dead_letter_queue(clients.sqs)
    queue_url, retries_queue_url = (
        _make_queue(
            clients.sqs,
            queue,
            VISIBILITY_FACTOR * function_timeout_seconds,
            max_receive_count,
            statements,
        )
        for queue, statements in ((QUEUE, [_raw_bucket_announces()]), (RETRIES_QUEUE, []))
    )
    _announce_readings(clients.s3)
    topic_arn = clients.sns.create_topic(Name=TOPIC)["TopicArn"]
    clients.sns.create_topic(Name=PLATFORM_TOPIC)
    clients.ssm.put_parameter(Name=MODEL_PARAMETER, Value=NO_MODEL, Type="String")
    settings = Settings(
        raw_bucket=BUCKETS["raw"],
        curated_bucket=BUCKETS["curated"],
        models_bucket=BUCKETS["models"],
        model_parameter=MODEL_PARAMETER,
        topic_arn=topic_arn,
        queue_url=queue_url,
        retries_queue_url=retries_queue_url,
        dead_letter_queue_url=dead_letter_url,
        function_name=FUNCTION,
    )
    _make_function(clients, settings, function_timeout_seconds)
    _map_queue_to_function(clients.lambda_, QUEUE, BATCH_SIZE, MAXIMUM_CONCURRENCY)
    _map_queue_to_function(clients.lambda_, RETRIES_QUEUE, 1, RETRIES_CONCURRENCY)
    return settings


def outputs(clients: Clients, settings: Settings) -> dict[str, Any]:
    """Those of Terraform's outputs whose resources `provision` makes, under the same names."""
    mappings = clients.lambda_.list_event_source_mappings(FunctionName=FUNCTION)
    uuids = {found["EventSourceArn"]: found["UUID"] for found in mappings["EventSourceMappings"]}
    return {
        "name": NAME,
        "region": REGION,
        "account_id": ACCOUNT,
        "buckets": BUCKETS,
        "results_bucket": BUCKETS["results"],
        "function_name": settings.function_name,
        "mapping_uuid": uuids[_arn("sqs", QUEUE)],
        "retries_mapping_uuid": uuids[_arn("sqs", RETRIES_QUEUE)],
        "topic_arn": settings.topic_arn,
        "platform_topic_arn": _arn("sns", PLATFORM_TOPIC),
    }


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _make_bucket(s3: "S3Client", bucket: str, *, versioned: bool) -> None:
    s3.create_bucket(Bucket=bucket)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def _make_dead_letter_queue(sqs: "SQSClient") -> str:
    sources = [_arn("sqs", QUEUE), _arn("sqs", RETRIES_QUEUE)]
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": sources}
    attributes = {
        "RedriveAllowPolicy": _compact(allowed),
        "Policy": _policy(_tls_only(DEAD_LETTER_QUEUE)),
    }
    return _create_queue(sqs, DEAD_LETTER_QUEUE, attributes)


def _make_queue(
    sqs: "SQSClient",
    name: str,
    visibility_seconds: int,
    max_receive_count: int,
    statements: Sequence[dict[str, Any]],
) -> str:
    redrive = {
        "deadLetterTargetArn": _arn("sqs", DEAD_LETTER_QUEUE),
        "maxReceiveCount": max_receive_count,
    }
    attributes = {
        "VisibilityTimeout": str(visibility_seconds),
        "RedrivePolicy": _compact(redrive),
        "Policy": _policy(*statements, _tls_only(name)),
    }
    return _create_queue(sqs, name, attributes)


def _create_queue(sqs: "SQSClient", name: str, attributes: dict[str, str]) -> str:
    wanted: Any = {
        "MessageRetentionPeriod": str(RETENTION_SECONDS),
        "MaximumMessageSize": str(MAXIMUM_MESSAGE_BYTES),
        "ReceiveMessageWaitTimeSeconds": str(LONG_POLL_SECONDS),
        "SqsManagedSseEnabled": "true",
        **attributes,
    }
    return sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]


def _raw_bucket_announces() -> dict[str, Any]:
    return {
        "Sid": "RawBucketAnnounces",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _arn("sqs", QUEUE),
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{BUCKETS['raw']}"},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }


def _tls_only(queue: str) -> dict[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": _arn("sqs", queue),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _policy(*statements: dict[str, Any]) -> str:
    return _compact({"Version": "2012-10-17", "Statement": statements})


def _compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def _announce_readings(s3: "S3Client") -> None:
    s3.put_bucket_notification_configuration(
        Bucket=BUCKETS["raw"],
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "readings",
                    "QueueArn": _arn("sqs", QUEUE),
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {
                        "Key": {
                            "FilterRules": [
                                {"Name": "prefix", "Value": READINGS},
                                {"Name": "suffix", "Value": SUFFIX},
                            ]
                        }
                    },
                }
            ]
        },
    )


_HANDLERS_SETTINGS: Final = (
    "raw_bucket",
    "curated_bucket",
    "models_bucket",
    "model_parameter",
    "topic_arn",
    "queue_url",
    "retries_queue_url",
)


def _make_function(clients: Clients, settings: Settings, timeout_seconds: int) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = clients.iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=_policy(trust))
    variables = {variable(name): getattr(settings, name) for name in _HANDLERS_SETTINGS}
    clients.lambda_.create_function(
        FunctionName=FUNCTION,
        Role=role["Role"]["Arn"],
        PackageType="Image",
        Code={"ImageUri": _NO_IMAGE},
        Architectures=["arm64"],
        MemorySize=FUNCTION_MEMORY_MB,
        Timeout=timeout_seconds,
        Environment={"Variables": {**variables, "POWERTOOLS_LOG_LEVEL": "INFO"}},
        TracingConfig={"Mode": "Active"},
    )


def _map_queue_to_function(lambda_: Any, queue: str, batch_size: int, concurrency: int) -> None:
    lambda_.create_event_source_mapping(
        FunctionName=FUNCTION,
        EventSourceArn=_arn("sqs", queue),
        BatchSize=batch_size,
        MaximumBatchingWindowInSeconds=BATCHING_WINDOW_SECONDS,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": concurrency},
    )
