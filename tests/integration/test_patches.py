"""What is mended in moto: each patch is needed still, and does what it says."""

import contextlib
import threading

import pytest
from moto.core.utils import unix_time_millis
from moto.sqs.models import Message, Queue, SQSBackend

from petrostream.local import patches

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto as it comes, for the length of a test."""
    for owner, name in PATCHED:
        monkeypatch.setattr(owner, name, getattr(owner, name))


PATCHED = (
    (SQSBackend, "is_message_valid_based_on_retention_period"),
    (SQSBackend, "receive_message"),
    (Queue, "messages"),
    (Queue, "delete_message"),
    (Queue, "attributes"),
)


@pytest.fixture
def patched(stock: None) -> None:
    patches.apply()


def queue_with(messages: int) -> tuple[SQSBackend, Queue]:
    backend = SQSBackend(REGION, ACCOUNT)
    queue = backend.create_queue("q", {})
    for number in range(messages):
        backend.send_message("q", str(number))
    return backend, queue


class SlowList(list):
    """A list during whose iteration another message is sent."""

    def __init__(self, items, send) -> None:
        super().__init__(items)
        self._send = send

    def __iter__(self):
        yield from super().__iter__()
        if self._send is not None:
            send, self._send = self._send, None
            send()


def lose_a_message() -> int:
    """Delete a message while another is sent; tell how many are left of two."""
    backend, queue = queue_with(2)
    handle = backend.receive_message("q", 1, 0, 30)[0].receipt_handle
    queue._messages = SlowList(queue._messages, None)
    sender = threading.Thread(target=backend.send_message, args=("q", "late"))

    def send() -> None:
        sender.start()
        sender.join(timeout=0.2)

    queue._messages = SlowList(queue._messages, send)
    backend.delete_message("q", handle)
    if not sender.ident:
        sender.start()
    sender.join()
    return len(queue._messages)


def test_stock_moto_loses_a_message_sent_during_a_delete(stock: None) -> None:
    assert lose_a_message() == 1, "moto keeps the message now: drop the patch"


def test_a_message_sent_during_a_delete_is_kept(patched: None) -> None:
    assert lose_a_message() == 2


def clock_reads(monkeypatch: pytest.MonkeyPatch, messages: int) -> int:
    """How often receiving one message from a queue looks at the clock."""
    backend, _ = queue_with(messages)
    reads = 0

    def counted() -> float:
        nonlocal reads
        reads += 1
        return unix_time_millis()

    monkeypatch.setattr("moto.sqs.models.unix_time_millis", counted)
    monkeypatch.setattr("petrostream.local.patches.unix_time_millis", counted)
    backend.receive_message("q", 1, 0, 30)
    return reads


def test_stock_moto_asks_the_clock_for_every_message(
    stock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clock_reads(monkeypatch, 400) > 4 * clock_reads(monkeypatch, 40), "drop the patch"


def test_receiving_does_not_depend_on_the_depth(
    patched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clock_reads(monkeypatch, 400) <= clock_reads(monkeypatch, 40) + 1


def scans(monkeypatch: pytest.MonkeyPatch) -> int:
    """How often sending a message counts the queue's messages."""
    backend, _ = queue_with(3)
    counted = 0

    def count(_queue: Queue) -> int:
        nonlocal counted
        counted += 1
        return 0

    for name in patches._COUNTERS.values():
        monkeypatch.setattr(Queue, name, property(count))
    backend.send_message("q", "one more")
    return counted


def test_stock_moto_scans_the_queue_for_every_send(
    stock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scans(monkeypatch) > 0, "moto no longer scans: drop the patch"


def test_sending_does_not_scan_and_the_attributes_are_right(
    patched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, _ = queue_with(3)
    backend.receive_message("q", 1, 0, 30)
    attributes = backend.get_queue_attributes("q", ["All"])
    assert attributes["ApproximateNumberOfMessages"] == 2
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == 1
    assert attributes["VisibilityTimeout"] == 30
    assert scans(monkeypatch) == 0


def receive_at_once(monkeypatch: pytest.MonkeyPatch) -> int:
    """Receive from two threads at the same moment; tell how many messages both got."""
    backend, _ = queue_with(1)
    meeting = threading.Barrier(2, timeout=0.5)
    is_visible = Message.visible.fget

    def visible_to_both(message: Message) -> bool:
        answer = is_visible(message)
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait()
        return answer

    monkeypatch.setattr(Message, "visible", property(visible_to_both))
    got: list[str] = []

    def receive() -> None:
        got.extend(message.id for message in backend.receive_message("q", 1, 0, 30))

    threads = [threading.Thread(target=receive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(got)


def test_stock_moto_gives_one_message_to_two_receivers(
    stock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receive_at_once(monkeypatch) == 2, "moto locks now: drop the patch"


def test_one_message_goes_to_one_receiver(patched: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert receive_at_once(monkeypatch) == 1


def test_stock_moto_computes_all_attributes_for_each_message(
    stock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, _ = queue_with(1)
    asked: list[str] = []
    ask = SQSBackend.get_queue_attributes
    monkeypatch.setattr(
        SQSBackend,
        "get_queue_attributes",
        lambda backend, name, names: asked.append(name) or ask(backend, name, names),
    )
    backend.receive_message("q", 1, 0, 30)
    assert asked, "moto no longer does: drop the patch"


def test_a_message_past_its_retention_is_not_received(patched: None) -> None:
    backend, queue = queue_with(1)
    queue._messages[0].sent_timestamp = 0
    assert backend.receive_message("q", 1, 0, 30) == []
