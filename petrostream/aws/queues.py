"""How deep a queue is, and for how long its oldest message has waited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from petrostream.aws import clients
from petrostream.aws.clients import explained
from petrostream.aws.cloudwatch import Metric

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages of one queue wait, and how many somebody has in hand."""

    waiting: int
    in_flight: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.waiting + self.in_flight

    def __add__(self, other: "QueueDepth") -> "QueueDepth":
        return QueueDepth(self.waiting + other.waiting, self.in_flight + other.in_flight)

    def __str__(self) -> str:
        return f"{self.waiting} waiting, {self.in_flight} in flight"


def queue_depth(url: str, sqs: "SQSClient | None" = None) -> QueueDepth:
    """Ask a queue how deep it is.

    Raises
    ------
    ServiceUnavailable, SettingsError
        If AWS does not do its part.
    """
    with explained(f"asking {url}"):
        return depth_of(sqs or clients.sqs(), url)


def depth_of(sqs: "SQSClient", url: str) -> QueueDepth:
    """The same, for those who explain AWS's errors in their own way.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        If SQS refuses, or can't be reached.
    """
    counts = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return QueueDepth(
        int(counts["ApproximateNumberOfMessages"]),
        int(counts["ApproximateNumberOfMessagesNotVisible"]),
    )


def backlog(urls: Sequence[str], sqs: "SQSClient | None" = None) -> QueueDepth:
    """How deep several queues are together.

    They are asked in order: a message that is sent to a later one before it is deleted from an
    earlier one is counted.

    Raises
    ------
    ServiceUnavailable, SettingsError
        If AWS does not do its part.
    """
    return sum((queue_depth(url, sqs) for url in urls), start=QueueDepth(0, 0))


def queue_name(arn_or_url: str) -> str:
    """A queue's name from its ARN or URL.

    >>> queue_name("arn:aws:sqs:us-east-1:111122223333:petrostream-ingest")
    'petrostream-ingest'
    >>> queue_name("https://sqs.us-east-1.amazonaws.com/111122223333/petrostream-ingest")
    'petrostream-ingest'
    """
    return arn_or_url.rpartition("/")[2].rpartition(":")[2]


def age_of_oldest(url: str) -> Metric:
    """CloudWatch's metric of how long a queue's oldest message has waited, in seconds."""
    queue = {"QueueName": queue_name(url)}
    return Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", queue, "Maximum")
