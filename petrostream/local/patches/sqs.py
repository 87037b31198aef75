"""Mends of moto's SQS: nothing is lost or handed out twice, and depth costs no time.

A queue's state is read and written under its own lock. Only a receive holds two, its queue's and
then its dead-letter queue's; as receives go one at a time, none waits for another in a circle.
"""

import json
import threading
from functools import partial
from typing import Any, Final

from moto.core.utils import unix_time, unix_time_millis
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

from petrostream.local.delivery import client_is_gone, undo_if_lost
from petrostream.local.patches._mend import Mend

_receiving = threading.Lock()


def _is_within_retention(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    """Stock moto computes every attribute of the queue for this, three scans a message."""
    queue = backend.get_queue(queue_name)
    sent = float(message.sent_timestamp or 0) / 1000
    retention = float(queue.message_retention_period)  # type: ignore[attr-defined]
    return retention + sent > unix_time()


_stock_receive_message = SQSBackend.receive_message


def _receive_message(  # noqa: PLR0913, PLR0917 - moto's own signature
    backend: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    """Stock moto hands one message to two receivers that ask at the same moment.

    And it hands messages to receivers that are gone.
    """
    queue = backend.get_queue(queue_name)
    deadline = unix_time() + wait_seconds_timeout
    while not client_is_gone():
        with _receiving, queue._messages_lock:  # noqa: SLF001
            messages: list[Message] = _stock_receive_message(
                backend, queue_name, count, 0, visibility_timeout, message_attribute_names
            )
        if messages:
            undo_if_lost(partial(_give_back, queue, messages))
            return messages
        left = deadline - unix_time()
        if left <= 0:
            break
        queue.wait_for_messages(min(1, left))  # type: ignore[arg-type]
    return []


def _give_back(queue: Queue, received: list[Message]) -> None:
    """Make messages as if nobody had received them, but for those received again meanwhile."""
    handles = {message.receipt_handle for message in received}
    with queue._messages_lock:  # noqa: SLF001
        for message in queue._messages:  # noqa: SLF001
            if message.receipt_handle in handles:
                message.approximate_receive_count -= 1
                message.visible_at = 0.0
                queue.pending_messages.discard(message)
        queue._messages_lock.notify_all()  # noqa: SLF001


def _messages(queue: Queue) -> list[Message]:
    """Stock moto asks the clock, slowly, twice for every message in the queue."""
    now = unix_time_millis()
    return [
        message
        for message in list(queue._messages)  # noqa: SLF001
        if now > message.visible_at and now >= message.delayed_until
    ]


_stock_add_message = Queue.add_message


def _add_message(queue: Queue, message: Message) -> None:
    """Stock moto plays event source mapping: it would take the messages from the worker.

    And it forgets which queue a dead letter comes from.
    """
    message.__dict__["queues"] = [*message.__dict__.get("queues", [])[-1:], queue.name]
    with queue._messages_lock:  # noqa: SLF001
        mappings, queue.lambda_event_source_mappings = queue.lambda_event_source_mappings, {}
        try:
            _stock_add_message(queue, message)
        finally:
            queue.lambda_event_source_mappings = mappings


def source_of(dead: Message) -> str | None:
    """The name of the queue that a dead letter comes from; `None` if it was sent to it directly."""
    before: list[str] = dead.__dict__.get("queues", [])[:-1]
    return before[0] if before else None


def _delete_message(queue: Queue, receipt_handle: str) -> None:
    """Stock moto rebuilds the queue without a lock: a message sent meanwhile is lost."""
    with queue._messages_lock:  # noqa: SLF001
        if receipt_handle in queue.deleted_messages:
            return
        for position, message in enumerate(queue._messages):  # noqa: SLF001
            if message.had_receipt_handle(receipt_handle):
                queue.pending_messages.discard(message)
                queue.deleted_messages.update(filter(None, message.all_receipt_handles))
                del queue._messages[position]  # noqa: SLF001
                return
    raise ReceiptHandleIsInvalid


_stock_change_visibility = SQSBackend.change_message_visibility


def _change_visibility(
    backend: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """Stock moto misses a message while another is deleted, and tells no receiver of it."""
    queue = backend.get_queue(queue_name)
    with queue._messages_lock:  # noqa: SLF001
        _stock_change_visibility(backend, queue_name, receipt_handle, visibility_timeout)
        queue._messages_lock.notify_all()  # noqa: SLF001


_stock_purge = SQSBackend.purge_queue


def _purge(backend: SQSBackend, queue_name: str) -> None:
    """Stock moto empties the queue without a lock, under a receive that goes through it."""
    with backend.get_queue(queue_name)._messages_lock:  # noqa: SLF001
        _stock_purge(backend, queue_name)


_stock_set_attributes = Queue._set_attributes  # noqa: SLF001


def _set_attributes(queue: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
    """Stock moto drops the queue's policy when any other attribute is set."""
    if "Policy" not in attributes:
        attributes = {**attributes, "Policy": queue.policy}
    _stock_set_attributes(queue, attributes, now)


_stock_attributes = Queue.attributes.fget  # type: ignore[attr-defined]
_COUNTERS: Final = {
    "ApproximateNumberOfMessages": "approximate_number_of_messages",
    "ApproximateNumberOfMessagesDelayed": "approximate_number_of_messages_delayed",
    "ApproximateNumberOfMessagesNotVisible": "approximate_number_of_messages_not_visible",
}


class _Uncounted:
    """A queue whose counters are 0."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return 0 if name in _COUNTERS.values() else getattr(self._queue, name)


class _Attributes(dict[str, Any]):
    """A queue's attributes whose counters, each a scan of the queue, wait until they are read."""

    def __init__(self, attributes: dict[str, Any], queue: Queue) -> None:
        super().__init__(attributes)
        self._queue = queue

    def __getitem__(self, name: str) -> Any:
        if name in _COUNTERS:
            return getattr(self._queue, _COUNTERS[name])
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self.keys() else default

    def items(self) -> Any:
        return [(name, self[name]) for name in self]


def _attributes(queue: Queue) -> dict[str, Any]:
    """Stock moto scans the queue three times for every message that is sent.

    And it writes `RedrivePolicy` with spaces, where AWS gives none: Terraform never stops changing
    it back.
    """
    attributes = _stock_attributes(_Uncounted(queue))
    if attributes.get("RedrivePolicy"):
        policy = json.loads(attributes["RedrivePolicy"])
        attributes["RedrivePolicy"] = json.dumps(policy, separators=(",", ":"))
    attributes["RedriveAllowPolicy"] = attributes["RedriveAllowPolicy"] or None
    return _Attributes(attributes, queue)


MENDS: Final = (
    Mend(SQSBackend, "is_message_valid_based_on_retention_period", _is_within_retention),
    Mend(SQSBackend, "receive_message", _receive_message),
    Mend(SQSBackend, "change_message_visibility", _change_visibility),
    Mend(SQSBackend, "purge_queue", _purge),
    Mend(Queue, "messages", property(_messages)),
    Mend(Queue, "add_message", _add_message),
    Mend(Queue, "delete_message", _delete_message),
    Mend(Queue, "_set_attributes", _set_attributes),
    Mend(Queue, "attributes", property(_attributes)),
    # Stock moto takes `RedriveAllowPolicy`, and never gives it back.
    Mend(Queue, "BASE_ATTRIBUTES", [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]),
    Mend(Queue, "redrive_allow_policy", None),
)
