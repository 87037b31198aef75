"""What is mended in moto: each patch is needed still, and does what it says."""

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.awslambda.models import LambdaBackend
from moto.core.utils import unix_time_millis
from moto.s3.models import FakeKey, S3Backend
from moto.sqs.models import Message, Queue, SQSBackend

from petrostream.local import patches
from petrostream.local.endpoint import ACCOUNT, REGION

UNSET = object()


@pytest.fixture
def stock() -> Iterator[None]:
    """moto as it comes, for the length of a test."""
    before = [(mend, vars(mend.owner).get(mend.name, UNSET)) for mend in patches.MENDS]
    yield
    for mend, value in before:
        if value is not UNSET:
            setattr(mend.owner, mend.name, value)
        elif mend.name in vars(mend.owner):
            delattr(mend.owner, mend.name)


@pytest.fixture
def patched(stock: None) -> None:
    patches.apply()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Clients of a moto in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield boto3.client


def is_unknown(call: Callable[[], object]) -> bool:
    """Whether moto has no such operation."""
    try:
        call()
    except NotImplementedError:
        return True
    return False


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
    monkeypatch.setattr("petrostream.local.patches.sqs.unix_time_millis", counted)
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

    for name in patches.sqs._COUNTERS.values():
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


class Marked:
    """An event source mapping that is enabled, as moto keeps it in the queue."""

    enabled = True
    batch_size = 10


def values_found(monkeypatch: pytest.MonkeyPatch, values: list[str]) -> list[str]:
    """Send, receive, delete and bury from threads that change all the time.

    Gives what was deleted, is left or is buried. moto's own event source mapping is there, and
    swallows what it gets.
    """
    backend = SQSBackend(REGION, ACCOUNT)
    monkeypatch.setattr("moto.sqs.models.sqs_backends", {ACCOUNT: {REGION: backend}})
    monkeypatch.setattr(LambdaBackend, "send_sqs_batch", lambda *_: True)
    dead = backend.create_queue("dead")
    redrive = {"deadLetterTargetArn": dead.queue_arn, "maxReceiveCount": 1}
    queue = backend.create_queue("q", RedrivePolicy=json.dumps(redrive))
    queue.lambda_event_source_mappings["m"] = Marked()
    deleted: list[str] = []

    def send(some: list[str]) -> None:
        for value in some:
            backend.send_message("q", value)

    def receive(is_last: Callable[[], bool]) -> None:
        while not is_last() or queue.messages:
            for message in backend.receive_message("q", 10, 0, 360):
                if int(message.body) % 3:
                    backend.delete_message("q", message.receipt_handle)
                    deleted.append(message.body)
                else:
                    backend.change_message_visibility("q", message.receipt_handle, 0)

    with quick_changes(), ThreadPoolExecutor() as pool:
        sending = [pool.submit(send, values[part::2]) for part in range(2)]

        def all_sent() -> bool:
            return all(sender.done() for sender in sending)

        for done in [*sending, *[pool.submit(receive, all_sent) for _ in range(3)]]:
            done.result()
    return deleted + [message.body for message in (*queue._messages, *dead._messages)]


@contextlib.contextmanager
def quick_changes() -> Iterator[None]:
    """The interpreter goes from thread to thread every microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_no_message_is_lost_or_doubled_however_threads_change(
    patched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [str(number) for number in range(3000)]
    assert sorted(values_found(monkeypatch, sent)) == sorted(sent)


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


# SQS: what Terraform sets comes back, and only the worker takes messages


def make_queues(sqs: Any) -> tuple[str, str]:
    """A queue and its dead-letter queue."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [f"{arn}q"]}
    dead = sqs.create_queue(QueueName="dead", Attributes={"RedriveAllowPolicy": compact(allowed)})
    redrive = {"deadLetterTargetArn": f"{arn}dead", "maxReceiveCount": 1}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": f"{arn}q"}
    queue = sqs.create_queue(
        QueueName="q",
        Attributes={
            "RedrivePolicy": compact(redrive),
            "Policy": compact({"Version": "2012-10-17", "Statement": [statement]}),
        },
    )
    return queue["QueueUrl"], dead["QueueUrl"]


def compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def attributes_of(sqs: Any, url: str) -> dict[str, str]:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_stock_moto_forgets_the_redrive_allow_policy(stock: None, aws) -> None:
    _, dead = make_queues(aws("sqs"))
    assert "RedriveAllowPolicy" not in attributes_of(aws("sqs"), dead), "drop the patch"


def test_the_redrive_allow_policy_is_kept_until_it_is_emptied(patched: None, aws) -> None:
    sqs = aws("sqs")
    queue, dead = make_queues(sqs)
    allowed = json.loads(attributes_of(sqs, dead)["RedriveAllowPolicy"])
    assert allowed["redrivePermission"] == "byQueue"
    assert "RedriveAllowPolicy" not in attributes_of(sqs, queue)
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes_of(sqs, dead)


def test_stock_moto_writes_the_redrive_policy_with_spaces(stock: None, aws) -> None:
    queue, _ = make_queues(aws("sqs"))
    assert " " in attributes_of(aws("sqs"), queue)["RedrivePolicy"], "drop the patch"


def test_the_redrive_policy_is_written_as_aws_does(patched: None, aws) -> None:
    queue, _ = make_queues(aws("sqs"))
    assert attributes_of(aws("sqs"), queue)["RedrivePolicy"] == (
        f'{{"deadLetterTargetArn":"arn:aws:sqs:{REGION}:{ACCOUNT}:dead","maxReceiveCount":1}}'
    )


def policy_after_another_change(sqs: Any) -> str | None:
    queue, _ = make_queues(sqs)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    return attributes_of(sqs, queue).get("Policy")


def test_stock_moto_drops_the_policy_with_any_other_change(stock: None, aws) -> None:
    assert policy_after_another_change(aws("sqs")) is None, "drop the patch"


def test_the_policy_outlives_other_changes_and_can_be_removed(patched: None, aws) -> None:
    sqs = aws("sqs")
    assert json.loads(policy_after_another_change(sqs) or "{}")["Statement"]
    queue = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert "Policy" not in attributes_of(sqs, queue)


def make_function(aws: Callable[[str], Any], **more: Any) -> Any:
    """A function from an image, as Terraform makes it; gives a client for Lambda."""
    role = aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    aws("lambda").create_function(
        FunctionName="f", Role=role, PackageType="Image", Code={"ImageUri": "i@sha256:0"}, **more
    )
    return aws("lambda")


def taken_by_moto(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many messages moto's own event source mapping takes from a queue."""
    queue, _ = make_queues(aws("sqs"))
    make_function(aws).create_event_source_mapping(
        FunctionName="f", EventSourceArn=attributes_of(aws("sqs"), queue)["QueueArn"]
    )
    taken: list[Message] = []

    def invoke(_backend: LambdaBackend, _arn: str, messages: list[Message], _queue: str) -> bool:
        taken.extend(messages)
        return True

    monkeypatch.setattr(LambdaBackend, "send_sqs_batch", invoke)
    aws("sqs").send_message(QueueUrl=queue, MessageBody="one")
    return len(taken)


def test_stock_moto_takes_messages_itself(stock: None, aws, monkeypatch) -> None:
    assert taken_by_moto(aws, monkeypatch) == 1, "moto leaves them now: drop the patch"


def test_messages_are_left_to_the_worker(patched: None, aws, monkeypatch) -> None:
    assert taken_by_moto(aws, monkeypatch) == 0
    assert attributes_of(aws("sqs"), "q")["ApproximateNumberOfMessages"] == "1"
    [mapping] = aws("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["State"] == "Enabled"


# SQS: dead letters go back


def test_stock_moto_moves_no_dead_letters(stock: None, aws) -> None:
    sqs = aws("sqs")
    _, dead = make_queues(sqs)
    arn = attributes_of(aws("sqs"), dead).get("QueueArn", "")
    assert is_unknown(lambda: sqs.start_message_move_task(SourceArn=arn)), "drop the patch"
    assert is_unknown(lambda: sqs.list_message_move_tasks(SourceArn=arn)), "drop the patch"


def test_dead_letters_go_back_as_new_messages(patched: None, aws) -> None:
    sqs = aws("sqs")
    queue, dead = make_queues(sqs)
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    for _ in range(2):  # the second time they have been received once too often
        sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    assert attributes_of(sqs, dead)["ApproximateNumberOfMessages"] == "2"
    arn = attributes_of(sqs, dead)["QueueArn"]
    assert sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    [task] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert attributes_of(sqs, dead)["ApproximateNumberOfMessages"] == "0"
    back = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert [message["Body"] for message in back] == ["a", "b"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in back} == {"1"}


def test_dead_letters_go_back_to_the_queue_that_each_came_from(patched: None, aws) -> None:
    sqs = aws("sqs")
    queue, dead = make_queues(sqs)
    redrive = attributes_of(sqs, queue)["RedrivePolicy"]
    other = sqs.create_queue(QueueName="a", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="sent to the dead directly")
    for url, body in ((queue, "of q"), (other, "of a")):
        sqs.send_message(QueueUrl=url, MessageBody=body)
        for _ in range(2):
            sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    arn = attributes_of(sqs, dead)["QueueArn"]
    for _ in range(2):  # as often as they die
        sqs.start_message_move_task(SourceArn=arn)
        assert attributes_of(sqs, queue)["ApproximateNumberOfMessages"] == "1"
        assert attributes_of(sqs, other)["ApproximateNumberOfMessages"] == "2"
        for url in (queue, other):
            for _ in range(2):
                sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        assert attributes_of(sqs, dead)["ApproximateNumberOfMessages"] == "3"
    sqs.start_message_move_task(SourceArn=arn, DestinationArn=attributes_of(sqs, queue)["QueueArn"])
    assert attributes_of(sqs, queue)["ApproximateNumberOfMessages"] == "3"


def test_only_dead_letter_queues_are_moved_from(patched: None, aws) -> None:
    sqs = aws("sqs")
    queue, _ = make_queues(sqs)
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=attributes_of(sqs, queue)["QueueArn"])
    with pytest.raises(ClientError, match="doesn't exist"):
        sqs.start_message_move_task(SourceArn="arn:aws:sqs:us-east-1:1:none")


# S3


def can_read(s3: Any, **statement: Any) -> bool:
    """Whether an object can be read over plain HTTP under a policy that denies."""
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"body")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::bucket/*",
    }
    s3.put_bucket_policy(
        Bucket="bucket",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny | statement]}),
    )
    try:
        s3.get_object(Bucket="bucket", Key="k")["Body"].read()
    except ClientError:
        return False
    finally:
        s3.delete_bucket_policy(Bucket="bucket")
    return True


TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def test_stock_moto_refuses_everything_where_tls_is_insisted_on(stock: None, aws) -> None:
    assert not can_read(aws("s3"), Condition=TLS_ONLY), "drop the patch"


def test_the_loopback_counts_as_tls_and_other_denials_stand(patched: None, aws) -> None:
    s3 = aws("s3")
    assert can_read(s3, Condition=TLS_ONLY)
    assert not can_read(s3)
    assert not can_read(s3, Condition={"Bool": {"aws:SecureTransport": "true"}})
    assert not can_read(s3, Condition=TLS_ONLY | {"StringEquals": {"aws:PrincipalAccount": "1"}})


def writers_that_were_first(s3: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of two who write one key at once are told that nothing was there."""
    s3.create_bucket(Bucket="bucket")
    looked, both = S3Backend.get_object, threading.Barrier(2)

    def look(*given: Any, **named: Any) -> Any:
        found = looked(*given, **named)
        with contextlib.suppress(
            threading.BrokenBarrierError
        ):  # where one looks after the other has written
            both.wait(timeout=1)
        return found

    def write(body: bytes) -> bool:
        try:
            s3.put_object(Bucket="bucket", Key="k", Body=body, IfNoneMatch="*")
        except ClientError:
            return False
        return True

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(S3Backend, "get_object", look)
        return sum(pool.map(write, [b"one", b"two"]))


def test_stock_moto_lets_two_writers_be_first(
    stock: None, aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert writers_that_were_first(aws("s3"), monkeypatch) == 2, "drop the patch"


def test_one_of_two_writers_is_first(patched: None, aws, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writers_that_were_first(aws("s3"), monkeypatch) == 1


def delete_from_a_bucket_no_longer_versioned(s3: Any) -> None:
    """What `terraform destroy` comes upon: a delete marker, and versioning suspended."""
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bucket", Key="k", Body=b"body")
    s3.delete_object(Bucket="bucket", Key="k")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket="bucket", Key="k")


def test_stock_moto_breaks_on_delete_markers(stock: None, aws) -> None:
    with pytest.raises(AttributeError, match="dispose"):  # else: drop the patch
        delete_from_a_bucket_no_longer_versioned(aws("s3"))


def test_delete_markers_can_be_deleted(patched: None, aws) -> None:
    delete_from_a_bucket_no_longer_versioned(aws("s3"))
    assert "Contents" not in aws("s3").list_objects_v2(Bucket="bucket")


def bodies_read_by_listing(s3: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket="bucket", Key="k", Body=body)
    s3.delete_object(Bucket="bucket", Key="k")
    read, reads = FakeKey.value.fget, 0

    def counted(key: FakeKey) -> bytes:
        nonlocal reads
        reads += 1
        return read(key)

    with monkeypatch.context() as patch:
        patch.setattr(FakeKey, "value", property(counted, FakeKey.value.fset))
        listed = s3.list_object_versions(Bucket="bucket")
    assert [version["IsLatest"] for version in listed["Versions"]] == [False, False]
    assert [marker["IsLatest"] for marker in listed["DeleteMarkers"]] == [True]
    return reads


def test_stock_moto_copies_every_body_to_list_versions(stock: None, aws, monkeypatch) -> None:
    assert bodies_read_by_listing(aws("s3"), monkeypatch) > 0, "drop the patch"


def test_listing_versions_reads_no_body(patched: None, aws, monkeypatch) -> None:
    assert bodies_read_by_listing(aws("s3"), monkeypatch) == 0


# Lambda

LOGGING = {"LogFormat": "Text", "LogGroup": "/own"}
DEAD_LETTERS = {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"}


def configuration_after_an_update(aws: Callable[[str], Any]) -> dict[str, Any]:
    lambda_ = make_function(aws)
    lambda_.update_function_configuration(
        FunctionName="f",
        LoggingConfig=LOGGING,
        DeadLetterConfig=DEAD_LETTERS,
        TracingConfig={"Mode": "Active"},
    )
    return lambda_.get_function_configuration(FunctionName="f")


def test_stock_moto_gives_a_function_back_in_part(stock: None, aws) -> None:
    lambda_ = make_function(aws, LoggingConfig=LOGGING, DeadLetterConfig=DEAD_LETTERS)
    found = lambda_.get_function_configuration(FunctionName="f")
    assert "LoggingConfig" not in found, "drop the patch"
    assert "DeadLetterConfig" not in found, "drop the patch"
    assert found["ImageConfigResponse"]["ImageConfig"]["Command"] == [], "drop the patch"


def test_stock_moto_updates_a_function_in_part(stock: None, aws) -> None:
    found = configuration_after_an_update(aws)
    assert "LoggingConfig" not in found and "DeadLetterConfig" not in found, "drop the patch"
    assert found["TracingConfig"] == {"Mode": "PassThrough"}, "drop the patch"


def test_a_function_is_given_back_whole(patched: None, aws) -> None:
    lambda_ = make_function(aws)
    plain = lambda_.get_function_configuration(FunctionName="f")
    assert plain["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}
    assert "DeadLetterConfig" not in plain and "ImageConfigResponse" not in plain
    lambda_.delete_function(FunctionName="f")
    aws("iam").delete_role(RoleName="r")
    made = {"LoggingConfig": LOGGING, "DeadLetterConfig": DEAD_LETTERS}
    make_function(aws, ImageConfig={"Command": ["app.handler"]}, **made)
    found = lambda_.get_function_configuration(FunctionName="f")
    assert {name: found[name] for name in made} == made
    assert found["ImageConfigResponse"]["ImageConfig"]["Command"] == ["app.handler"]


def test_a_function_is_updated_whole(patched: None, aws) -> None:
    found = configuration_after_an_update(aws)
    assert found["LoggingConfig"] == LOGGING and found["DeadLetterConfig"] == DEAD_LETTERS
    assert found["TracingConfig"] == {"Mode": "Active"}


# Budgets

BUDGET = f"arn:aws:budgets::{ACCOUNT}:budget/month"
NOTIFICATION = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
}
SUBSCRIBERS = [{"SubscriptionType": "EMAIL", "Address": "ops@example.com"}]
OF_BUDGET = {"AccountId": ACCOUNT, "BudgetName": "month"}


def budget(limit: str) -> dict[str, Any]:
    return {
        "BudgetName": "month",
        "BudgetLimit": {"Amount": limit, "Unit": "USD"},
        "TimeUnit": "MONTHLY",
        "BudgetType": "COST",
    }


@pytest.fixture
def budgets(aws) -> Any:
    client = aws("budgets")
    client.create_budget(
        AccountId=ACCOUNT,
        Budget=budget("10"),
        NotificationsWithSubscribers=[{"Notification": NOTIFICATION, "Subscribers": SUBSCRIBERS}],
        ResourceTags=[{"Key": "Project", "Value": "p"}],
    )
    return client


BUDGET_CALLS: list[Callable[[Any], Any]] = [
    lambda client: client.update_budget(AccountId=ACCOUNT, NewBudget=budget("20")),
    lambda client: client.describe_subscribers_for_notification(
        **OF_BUDGET, Notification=NOTIFICATION
    ),
    lambda client: client.list_tags_for_resource(ResourceARN=BUDGET),
    lambda client: client.tag_resource(
        ResourceARN=BUDGET, ResourceTags=[{"Key": "Who", "Value": "me"}]
    ),
    lambda client: client.untag_resource(ResourceARN=BUDGET, ResourceTagKeys=["Project"]),
]


@pytest.mark.parametrize("call", BUDGET_CALLS)
def test_stock_moto_knows_half_of_budgets(stock: None, budgets, call) -> None:
    assert is_unknown(lambda: call(budgets)), "drop the patch"


def test_a_budget_is_changed_and_tagged(patched: None, budgets) -> None:
    update, subscribers, tags, tag, untag = BUDGET_CALLS
    assert subscribers(budgets)["Subscribers"] == SUBSCRIBERS
    assert tags(budgets)["ResourceTags"] == [{"Key": "Project", "Value": "p"}]
    update(budgets)
    found = budgets.describe_budget(**OF_BUDGET)["Budget"]
    assert found["BudgetLimit"]["Amount"] == "20"
    assert found["CalculatedSpend"]["ActualSpend"] == {"Amount": "0", "Unit": "USD"}
    tag(budgets)
    untag(budgets)
    assert tags(budgets)["ResourceTags"] == [{"Key": "Who", "Value": "me"}]
    with pytest.raises(ClientError, match="the notification doesn't exist"):
        budgets.describe_subscribers_for_notification(
            **OF_BUDGET, Notification={**NOTIFICATION, "Threshold": 99.0}
        )
    with pytest.raises(ClientError, match="the budget doesn't exist"):
        budgets.list_tags_for_resource(ResourceARN=BUDGET + "s")


# Athena and Glue


def save_query(athena: Any) -> str:
    return athena.create_named_query(Name="q", Database="d", QueryString="SELECT 1")["NamedQueryId"]


def test_stock_moto_keeps_saved_queries_for_ever(stock: None, aws) -> None:
    athena = aws("athena")
    query = save_query(athena)
    assert is_unknown(lambda: athena.delete_named_query(NamedQueryId=query)), "drop the patch"


def test_saved_queries_can_be_deleted(patched: None, aws) -> None:
    athena = aws("athena")
    athena.delete_named_query(NamedQueryId=save_query(athena))
    assert athena.list_named_queries()["NamedQueryIds"] == []


def tagged_after_a_database_was_deleted(aws: Callable[[str], Any]) -> list[Any]:
    glue = aws("glue")
    glue.create_database(DatabaseInput={"Name": "d"}, Tags={"Project": "p"})
    tagging = aws("resourcegroupstaggingapi")
    assert len(tagging.get_resources()["ResourceTagMappingList"]) == 1
    glue.delete_database(Name="d")
    return tagging.get_resources()["ResourceTagMappingList"]


def test_stock_moto_lists_deleted_databases(stock: None, aws) -> None:
    assert tagged_after_a_database_was_deleted(aws), "drop the patch"


def test_deleted_databases_are_gone(patched: None, aws) -> None:
    assert tagged_after_a_database_was_deleted(aws) == []
