"""The queues and the dead letters: how many, how old, what is in them, and moving them back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from botocore.config import Config

from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import client_of, explained
from petrostream.aws.cloudwatch import Metric, newest_point
from petrostream.aws.queues import QueueDepth, age_of_oldest, backlog, queue_depth
from petrostream.errors import PermanentError
from petrostream.ingest.notifications import announced_objects
from petrostream.schema.keys import parse_batch_key
from petrostream.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

PEEKED: Final = 10
"""What SQS gives in one call."""

_SHOWN_BYTES: Final = 4000
_LOOK_BACK: Final = timedelta(minutes=15)
_PERIOD_SECONDS: Final = 60
_CONFIG: Final = Config(
    retries={"mode": "standard", "max_attempts": 2}, connect_timeout=3, read_timeout=10
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: what it announced, when it was sent, how often it was received, and why.

    `received` counts looks at it too. `why` is empty where only the function's log knows.
    """

    message_id: str
    sent: datetime
    received: int
    keys: tuple[str, ...]
    why: str
    body: str


@dataclass(frozen=True, slots=True)
class Depths:
    """How deep the queues are: of what came, of what is tried alone, of dead letters."""

    queue: QueueDepth
    alone: QueueDepth
    dead: QueueDepth

    @property
    def work(self) -> QueueDepth:
        """What is to be worked on yet."""
        return self.queue + self.alone


class Queues:
    """The queues of a stack: of what came, of what is tried alone, of dead letters.

    Every method raises `ServiceUnavailable` where AWS does not do its part.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sqs = clients.sqs()

    def depth(self) -> QueueDepth:
        """How deep the queue of what came is."""
        return queue_depth(self._settings.queue_url, self._sqs)

    def alone(self) -> QueueDepth:
        """How deep the queue of what is tried alone is."""
        return backlog(self._settings.work_queue_urls[1:], self._sqs)

    def dead(self) -> QueueDepth:
        """How many dead letters there are."""
        return queue_depth(self._settings.dead_letter_queue_url, self._sqs)

    def depths(self) -> Depths:
        """How deep each is."""
        return Depths(self.depth(), self.alone(), self.dead())

    def oldest_seconds(self, depths: Depths | None) -> float | None:
        """How long the oldest message has waited, as CloudWatch measures it every minute.

        Each question costs: a queue that is known to be empty is not asked about.
        """
        urls = self._settings.work_queue_urls
        empty = [not depth.total for depth in (depths.queue, depths.alone)] if depths else []
        asked = [url for url, is_empty in zip_longest(urls, empty[: len(urls)]) if not is_empty]
        ages = [newest_metric(age_of_oldest(url)) for url in asked]
        return max((age for age in ages if age is not None), default=None)

    def peek(self) -> list[Letter]:
        """Look at some dead letters; they can be received by others at once."""
        url = self._settings.dead_letter_queue_url
        with explained(f"receiving from {url}"):
            found = self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=PEEKED,
                VisibilityTimeout=0,
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            ).get("Messages", [])
        why = self._whys()
        bucket = self._settings.raw_bucket
        letters = {each["MessageId"]: _letter(each, bucket, why) for each in found}
        return sorted(letters.values(), key=lambda letter: letter.sent)

    def _whys(self) -> Callable[[str], str]:
        raw, curated = Bucket(self._settings.raw_bucket), Bucket(self._settings.curated_bucket)

        def why(key: str) -> str:
            batch = parse_batch_key(key)
            if raw.metadata(key) is None:
                return "the batch is no longer in the raw bucket"
            if curated.metadata(batch.scored) is not None:
                return "it has been scored by now"
            return ""

        return why

    def redrive(self) -> None:
        """Move every dead letter back to the queue that it came from, to be tried again."""
        dead = self._settings.dead_letter_queue_url
        with explained(f"moving the messages of {dead}"):
            arn = self._sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
            self._sqs.start_message_move_task(SourceArn=arn["Attributes"]["QueueArn"])


def _letter(message: "MessageTypeDef", raw_bucket: str, why: Callable[[str], str]) -> Letter:
    attributes = message["Attributes"]
    keys, reason = explained_body(message["Body"], raw_bucket, why)
    return Letter(
        message_id=message["MessageId"],
        sent=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC).replace(
            tzinfo=None
        ),
        received=int(attributes["ApproximateReceiveCount"]),
        keys=keys,
        why=reason,
        body=message["Body"][:_SHOWN_BYTES],
    )


def explained_body(
    body: str, raw_bucket: str, why: Callable[[str], str]
) -> tuple[tuple[str, ...], str]:
    """The keys that a message announces, and why it can't be worked on, as far as can be told."""
    try:
        announced = list(announced_objects(body, raw_bucket))
    except PermanentError as error:
        return (), f"it is no announcement of S3: {error}"
    if not announced:
        return (), "it announces nothing that is scored"
    keys = tuple(each.key for each in announced)
    try:
        reasons = [why(key) for key in keys]
    except PermanentError as error:
        return keys, str(error)
    return keys, "; ".join(dict.fromkeys(filter(None, reasons)))


def newest_metric(metric: Metric) -> float | None:
    """The newest value of a CloudWatch metric of the last quarter of an hour, if there is one."""
    with explained(f"asking CloudWatch for {metric.name}"):
        point = newest_point(
            client_of("cloudwatch", _CONFIG),
            metric,
            back=_LOOK_BACK,
            period_seconds=_PERIOD_SECONDS,
        )
    return None if point is None else float(point.value)
