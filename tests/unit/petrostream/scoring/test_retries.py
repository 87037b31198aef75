"""Which messages are worked on, and which are sent on to be tried alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrostream.errors import ServiceUnavailable
from petrostream.ingest.notifications import RawObject, announced_objects, announcement
from petrostream.scoring.retries import Retries

RAW = "raw"
PLACE = "https://sqs.eu-west-1.amazonaws.com/111122223333"
QUEUE, ALONE = f"{PLACE}/p-ingest", f"{PLACE}/p-ingest-retries"


class Sqs:
    """Notes what it is asked for; fails the bodies and handles that a test names."""

    def __init__(self, *fails: str) -> None:
        self.fails = fails
        self.sent: list[str] = []
        self.deleted: list[str] = []
        self.calls = 0

    def send_message_batch(self, **asked: Any) -> dict[str, Any]:
        assert asked["QueueUrl"] == ALONE
        return self._answer(asked["Entries"], "MessageBody", self.sent)

    def delete_message_batch(self, **asked: Any) -> dict[str, Any]:
        assert asked["QueueUrl"] == QUEUE
        return self._answer(asked["Entries"], "ReceiptHandle", self.deleted)

    def _answer(self, entries: list[dict[str, str]], name: str, done: list[str]) -> dict[str, Any]:
        self.calls += 1
        assert 0 < len(entries) <= 10
        if "all" in self.fails:
            raise ServiceUnavailable("SQS does not answer")
        failed = []
        for entry in entries:
            if any(fail in entry[name] for fail in self.fails):
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                done.append(entry[name])
        return {"Failed": failed} if failed else {}


def key_of(name: str) -> str:
    return f"readings/well=W/date=2017-02-01/{name}-20170201T000000.parquet"


def body_of(*names: str, bucket: str = RAW) -> str:
    found = [json.loads(announcement(RawObject(key_of(name)), bucket)) for name in names]
    return json.dumps({"Records": [record for one in found for record in one["Records"]]})


def message(name: str, body: str, *, received: int = 1, queue: str = QUEUE) -> dict[str, Any]:
    return {
        "messageId": name,
        "receiptHandle": f"handle of {name}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(received)},
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:111122223333:{queue.rpartition('/')[2]}",
    }


def retries(sqs: Sqs, told: list[str] | None = None) -> Retries:
    client: Any = sqs
    tell = (lambda _: None) if told is None else told.append
    return Retries(QUEUE, ALONE, RAW, tell, lambda: client)


def keys_sent(sqs: Sqs) -> list[str]:
    """The keys that were sent on; each message announces one."""
    found = []
    for body in sqs.sent:
        [raw] = announced_objects(body, RAW)
        found.append(raw.key)
    return found


def test_only_what_comes_again_in_company_is_sent_on_an_object_at_a_time() -> None:
    sqs = Sqs()
    records = [
        message("new", body_of("a")),
        message("again", body_of("b"), received=2),
        message("new too", body_of("c", "d")),
        message("many again", body_of("e", "f"), received=4),
    ]
    division = retries(sqs).divide(records)
    assert division.now == [records[0], records[2]]
    assert division.sent_on == ["again", "many again"]
    assert division.kept == []
    assert keys_sent(sqs) == [key_of(name) for name in "bef"]
    assert sqs.deleted == ["handle of again", "handle of many again"]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(message("m", body_of("a"), received=2), id="alone"),
        pytest.param(message("m", body_of("a", "b")), id="first time"),
        pytest.param(message("m", body_of("a", "b"), received=3, queue=ALONE), id="of retries"),
        pytest.param(message("m", body_of("a", "b"), received=3, queue="x/other"), id="foreign"),
    ],
)
def test_what_is_alone_new_or_tried_alone_already_is_worked_on(record: dict[str, Any]) -> None:
    sqs = Sqs()
    assert retries(sqs).divide([record]).now == [record]
    assert sqs.calls == 0


def test_a_message_of_several_objects_is_split_also_where_it_comes_alone() -> None:
    sqs = Sqs()
    division = retries(sqs).divide([message("m", body_of("a", "b"), received=2)])
    assert (division.now, division.sent_on) == ([], ["m"])
    assert keys_sent(sqs) == [key_of("a"), key_of("b")]


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[" * 200_000,
        '{"Event": "s3:TestEvent"}',
        '{"Records": []}',
        json.dumps({"Type": "Notification", "Message": body_of("a")}),
        body_of("a", bucket="somebody's"),
    ],
)
def test_what_announces_nothing_is_left_to_whoever_can_say_why(body: str) -> None:
    sqs = Sqs()
    records = [message("odd", body, received=2), message("new", body_of("a"))]
    assert retries(sqs).divide(records).now == records
    assert sqs.calls == 0


def test_objects_of_other_buckets_are_left_out_of_what_is_sent_on() -> None:
    sqs = Sqs()
    ours, theirs = json.loads(body_of("a")), json.loads(body_of("b", bucket="somebody's"))
    body = json.dumps({"Records": ours["Records"] + theirs["Records"]})
    retries(sqs).divide([message("m", body, received=2), message("new", body_of("c"))])
    assert keys_sent(sqs) == [key_of("a")]


def test_what_cannot_be_sent_on_whole_comes_back() -> None:
    sqs, told = Sqs("/b-"), list[str]()
    records = [
        message("half", body_of("a", "b"), received=2),
        message("whole", body_of("c"), received=2),
    ]
    division = retries(sqs, told).divide(records)
    assert (division.now, division.sent_on, division.kept) == ([], ["whole"], ["half"])
    assert sqs.deleted == ["handle of whole"]
    assert any("InternalError" in line for line in told)


def test_where_sqs_does_not_answer_all_come_back() -> None:
    told = list[str]()
    records = [message(name, body_of(name), received=2) for name in "ab"]
    division = retries(Sqs("all"), told).divide(records)
    assert (division.now, division.sent_on, division.kept) == ([], [], ["a", "b"])
    assert told == ["SQS does not answer"]


def test_what_was_sent_on_and_cannot_be_deleted_is_done_with_all_the_same() -> None:
    sqs, told = Sqs("handle of a"), list[str]()
    records = [message(name, body_of(name), received=2) for name in "ab"]
    assert retries(sqs, told).divide(records).sent_on == ["a", "b"]
    assert sqs.deleted == ["handle of b"]
    assert any("deleting" in line for line in told)


def test_many_go_in_parts() -> None:
    sqs = Sqs()
    records = [message(str(n), body_of(f"a{n}", f"b{n}"), received=2) for n in range(12)]
    assert len(retries(sqs).divide(records).sent_on) == 12
    assert len(sqs.sent) == 24 and len(sqs.deleted) == 12
    assert sqs.calls == 3 + 2


def test_what_is_tried_alone_has_come_before() -> None:
    found = retries(Sqs())
    assert not found.has_come_before(message("m", "", received=1))
    assert found.has_come_before(message("m", "", received=2))
    assert found.has_come_before(message("m", "", received=1, queue=ALONE))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.integers(0, 2**40),
    st.sampled_from(["", "0123abc-2"]),
)
def test_an_announcement_is_read_as_the_object_that_it_is_of(
    name: str, size: int, etag: str
) -> None:
    raw = RawObject(f"readings/{name}.parquet", size, etag)
    assert list(announced_objects(announcement(raw, RAW), RAW)) == [raw]
