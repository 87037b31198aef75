"""What the stack consists of, and how to make it with plain API calls on the embedded AWS."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from petrostream.keys import READINGS, SUFFIX
from petrostream.registry import NO_MODEL
from petrostream.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
FUNCTION_TIMEOUT_SECONDS: Final = 20
BATCH_SIZE: Final = 10
MAX_RECEIVE_COUNT: Final = 5
LONG_POLL_SECONDS: Final = 20
RETENTION_SECONDS: Final = 14 * 86_400
VISIBILITY_FACTOR: Final = 6
"""AWS's advice: a message stays hidden for six times as long as the function may run."""


@dataclass(frozen=True)
class Clients:
    """Clients for the services that the stack uses."""

    s3: "S3Client"
    sqs: "SQSClient"
    sns: "SNSClient"
    ssm: "SSMClient"


def provision(
    clients: Clients,
    *,
    function_timeout_seconds: float = FUNCTION_TIMEOUT_SECONDS,
    max_receive_count: int = MAX_RECEIVE_COUNT,
) -> Settings:
    """Make buckets, queue, dead-letter queue, notification, topic and pointer."""
    raw, curated, models = (f"petrostream-{kind}-{ACCOUNT}-{REGION}" for kind in _BUCKETS)
    for bucket in (raw, curated, models):
        clients.s3.create_bucket(Bucket=bucket)
    dead_letter_url, dead_letter_arn = _queue(clients.sqs, "petrostream-ingest-dlq", {})
    queue_url, queue_arn = _queue(
        clients.sqs,
        "petrostream-ingest",
        {
            "VisibilityTimeout": str(max(1, round(VISIBILITY_FACTOR * function_timeout_seconds))),
            "ReceiveMessageWaitTimeSeconds": str(LONG_POLL_SECONDS),
            "RedrivePolicy": json.dumps(
                {"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": max_receive_count},
                separators=(",", ":"),
            ),
        },
    )
    _notify(clients.s3, raw, queue_arn)
    topic_arn = clients.sns.create_topic(Name="petrostream-alarms")["TopicArn"]
    parameter = "/petrostream/model"
    clients.ssm.put_parameter(Name=parameter, Value=NO_MODEL, Type="String")
    return Settings(
        raw_bucket=raw,
        curated_bucket=curated,
        models_bucket=models,
        model_parameter=parameter,
        topic_arn=topic_arn,
        queue_url=queue_url,
        dead_letter_queue_url=dead_letter_url,
    )


_BUCKETS: Final = ("raw", "curated", "models")


def _queue(sqs: "SQSClient", name: str, attributes: dict[str, str]) -> tuple[str, str]:
    common = {"MessageRetentionPeriod": str(RETENTION_SECONDS), "SqsManagedSseEnabled": "true"}
    wanted: Any = {**common, **attributes}
    url = sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def _notify(s3: "S3Client", bucket: str, queue_arn: str) -> None:
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "readings",
                    "QueueArn": queue_arn,
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
