"""What has to be mended in moto, each with a test that fails once moto no longer needs it.

Pinned to moto 5.2.5; see `tests/integration/test_patches.py`.
"""

import threading
from typing import Any

from moto.core.utils import unix_time, unix_time_millis
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

_receiving = threading.Lock()
_listing = threading.Lock()


def apply() -> None:
    """Mend moto in this process."""
    SQSBackend.is_message_valid_based_on_retention_period = _is_within_retention  # type: ignore[assignment,method-assign]
    SQSBackend.receive_message = _receive_message  # type: ignore[assignment,method-assign]
    Queue.messages = property(_messages)  # type: ignore[assignment,method-assign]
    Queue.delete_message = _delete_message  # type: ignore[assignment,method-assign]
    Queue.attributes = property(_attributes)  # type: ignore[assignment,method-assign]


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
    """Stock moto hands one message to two receivers that ask at the same moment."""
    queue = backend.get_queue(queue_name)
    deadline = unix_time() + wait_seconds_timeout
    while True:
        with _receiving:
            messages: list[Message] = _stock_receive_message(
                backend, queue_name, count, 0, visibility_timeout, message_attribute_names
            )
        if messages or unix_time() >= deadline:
            return messages
        queue.wait_for_messages(1)


def _messages(queue: Queue) -> list[Message]:
    """Stock moto asks the clock, slowly, twice for every message in the queue."""
    now = unix_time_millis()
    return [
        message
        for message in list(queue._messages)  # noqa: SLF001
        if now > message.visible_at and now >= message.delayed_until
    ]


def _delete_message(queue: Queue, receipt_handle: str) -> None:
    """Stock moto rebuilds the queue without a lock: a message sent meanwhile is lost."""
    if receipt_handle in queue.deleted_messages:
        return
    with queue._messages_lock:  # noqa: SLF001
        for position, message in enumerate(queue._messages):  # noqa: SLF001
            if message.had_receipt_handle(receipt_handle):
                queue.pending_messages.discard(message)
                queue.deleted_messages.update(filter(None, message.all_receipt_handles))
                del queue._messages[position]  # noqa: SLF001
                return
    raise ReceiptHandleIsInvalid


_stock_attributes = Queue.attributes.fget  # type: ignore[attr-defined]
_COUNTERS = {
    "ApproximateNumberOfMessages": "approximate_number_of_messages",
    "ApproximateNumberOfMessagesDelayed": "approximate_number_of_messages_delayed",
    "ApproximateNumberOfMessagesNotVisible": "approximate_number_of_messages_not_visible",
}


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
    """Stock moto scans the queue three times for every message that is sent."""
    with _listing:
        queue.BASE_ATTRIBUTES = [name for name in Queue.BASE_ATTRIBUTES if name not in _COUNTERS]
        try:
            attributes = _stock_attributes(queue)
        finally:
            del queue.BASE_ATTRIBUTES
    return _Attributes(dict.fromkeys(_COUNTERS, 0) | attributes, queue)
