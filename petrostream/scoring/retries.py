"""What failed in company is tried alone: an object that ends the function takes no other along.

A message that comes again with others, or that announces several objects, is sent on to the queue
of retries, one message for each object. There an invocation gets one message.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from petrostream.aws import clients
from petrostream.aws.clients import explained
from petrostream.aws.queues import queue_name
from petrostream.errors import PetroStreamError
from petrostream.ingest.notifications import announced_objects, announcement

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_AT_ONCE: Final = 10
"""What SQS takes in one call."""

_Item = TypeVar("_Item")
Record = Mapping[str, Any]
"""A message as Lambda hands it to the handler."""


@dataclass(frozen=True, slots=True)
class Division:
    """An event's records that are worked on now; of the others, the ids of messages.

    Those `sent_on` are done with; those `kept` could not be sent on and come back.
    """

    now: list[Record]
    sent_on: list[str]
    kept: list[str]


@dataclass(frozen=True, slots=True)
class _Letter:
    record: Record
    bodies: list[str]

    @property
    def id(self) -> str:
        return str(self.record["messageId"])


class Retries:
    """Sends on what failed in company.

    Parameters
    ----------
    queue_url, retries_queue_url
        Where messages come from, and where those go that are to be tried alone.
    raw_bucket
        Whose objects are scored; announcements of others are not sent on.
    tell
        Is told what SQS did not do; the messages lose nothing by it.
    sqs
        Makes the client, once something is to be sent on.
    """

    def __init__(
        self,
        queue_url: str,
        retries_queue_url: str,
        raw_bucket: str,
        tell: Callable[[str], None] = lambda _: None,
        sqs: "Callable[[], SQSClient]" = clients.sqs,
    ) -> None:
        self._queue_url = queue_url
        self._retries_queue_url = retries_queue_url
        self._raw_bucket = raw_bucket
        self._tell = tell
        self._make_client = sqs
        self._client: SQSClient | None = None

    def has_come_before(self, record: Record) -> bool:
        """Whether a message may have been worked on: here, or before it was sent on."""
        return _times_received(record) > 1 or _is_of(self._retries_queue_url, record)

    def divide(self, records: Sequence[Record]) -> Division:
        """Send on what is to be tried alone; to be called before any record is worked on.

        What was sent on is deleted here: Lambda would do it at the end of an invocation that
        may not end well.
        """
        now, letters = list[Record](), list[_Letter]()
        for record in records:
            bodies = self._bodies_for_retries(record, in_company=len(records) > 1)
            if bodies:
                letters.append(_Letter(record, bodies))
            else:
                now.append(record)
        kept = self._send(letters)
        sent_on = [letter for letter in letters if letter.id not in kept]
        self._delete(sent_on)
        return Division(now, [letter.id for letter in sent_on], sorted(kept))

    def _bodies_for_retries(self, record: Record, *, in_company: bool) -> list[str]:
        if not _is_of(self._queue_url, record) or _times_received(record) <= 1:
            return []
        try:
            objects = list(announced_objects(record["body"], self._raw_bucket))
        except Exception:  # noqa: BLE001 - whoever works on it says why it can't be understood
            return []
        if not in_company and len(objects) == 1:
            return []
        return [announcement(raw, self._raw_bucket) for raw in objects]

    def _send(self, letters: Sequence[_Letter]) -> set[str]:
        """Send letters on; gives the ids of those that SQS did not take whole."""
        failed = set[str]()
        for part in _parts([(letter.id, body) for letter in letters for body in letter.bodies]):
            try:
                with explained(f"sending to {self._retries_queue_url}"):
                    answer = self._sqs.send_message_batch(
                        QueueUrl=self._retries_queue_url,
                        Entries=[
                            {"Id": str(position), "MessageBody": body}
                            for position, (_, body) in enumerate(part)
                        ],
                    )
            except PetroStreamError as error:
                self._tell(str(error))
                failed |= {name for name, _ in part}
            else:
                for failure in answer.get("Failed", []):
                    self._tell(f"sending to {self._retries_queue_url}: {failure['Code']}")
                    failed.add(part[int(failure["Id"])][0])
        return failed

    def _delete(self, letters: Sequence[_Letter]) -> None:
        for part in _parts(letters):
            try:
                with explained(f"deleting from {self._queue_url}"):
                    answer = self._sqs.delete_message_batch(
                        QueueUrl=self._queue_url,
                        Entries=[
                            {"Id": str(position), "ReceiptHandle": letter.record["receiptHandle"]}
                            for position, letter in enumerate(part)
                        ],
                    )
            except PetroStreamError as error:
                self._tell(str(error))
            else:
                for failure in answer.get("Failed", []):
                    self._tell(f"deleting from {self._queue_url}: {failure['Code']}")

    @property
    def _sqs(self) -> "SQSClient":
        if self._client is None:
            self._client = self._make_client()
        return self._client


def _is_of(queue_url: str, record: Record) -> bool:
    return queue_name(str(record.get("eventSourceARN", ""))) == queue_name(queue_url)


def _times_received(record: Record) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount") or 1)


def _parts(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for first in range(0, len(items), _AT_ONCE):
        yield items[first : first + _AT_ONCE]
