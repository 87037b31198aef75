"""One message an event, whatever happens in between."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from petrostream.alarms import notify as alerts_module
from petrostream.alarms.events import Event
from petrostream.alarms.notify import Alerts
from petrostream.errors import ServiceUnavailable
from petrostream.ingest.batches import cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import second_of
from petrostream.scoring.pipeline import Disposition, Pipeline

EVENT = Event(
    "WELL-00001", "WELL-00001_1", 10**15, 10**15 + 10**7, 10**15, 1.7, 11,
    {"P-TPT": 900, "QGL": 300}, limits={"P-TPT>high": 4},
)  # fmt: skip


@pytest.fixture
def inbox(provisioned):
    """Reads what the topic sends."""
    clients = provisioned.clients
    url = clients.sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    clients.sns.subscribe(
        TopicArn=provisioned.settings.topic_arn,
        Protocol="sqs",
        Endpoint=arn["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )

    def read() -> list[dict]:
        found = clients.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0
        )
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]

    return read


def test_an_event_is_sent_once_and_says_what_matters(provisioned, inbox) -> None:
    alerts = Alerts(provisioned.curated, provisioned.settings.topic_arn)
    assert alerts.send(EVENT, "v1")
    assert not alerts.send(EVENT, "v1")
    assert inbox() == [
        {
            "well": "WELL-00001",
            "recording": "WELL-00001_1",
            "start": "2001-09-09T01:46:40Z",
            "sensors": ["P-TPT", "QGL"],
            "shares": {"P-TPT": 0.75, "QGL": 0.25},
            "limits": ["P-TPT>high"],
            "peak_score": 1.7,
            "model_version": "v1",
        }
    ]


def test_a_batch_of_thousands_of_events_has_a_few_messages(provisioned) -> None:
    events = [replace(EVENT, start=EVENT.start + place * 10**9) for place in range(3000)]
    sns = Mock()
    alerts = Alerts(provisioned.curated, "topic", sns)
    assert alerts.send_all(events, "v1") == alerts_module.MOST_OF_A_BATCH
    assert alerts.send_all(events, "v1") == alerts.send_all([], "v1") == 0
    sent = [json.loads(call.kwargs["Message"]) for call in sns.publish.call_args_list]
    first = [f"{second_of(event.start).isoformat()}Z" for event in events[:20]]
    assert [message["start"] for message in sent] == first
    assert [message.get("further_events") for message in sent] == [None] * 19 + [2980]


def test_a_failed_send_is_put_off_while_fresh_and_taken_over_once_stale(
    provisioned, inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServiceUnavailable):
        Alerts(provisioned.curated, f"{provisioned.settings.topic_arn}-not-there").send(EVENT, "v")
    alerts = Alerts(provisioned.curated, provisioned.settings.topic_arn)
    with pytest.raises(ServiceUnavailable, match="another delivery"):
        alerts.send(EVENT, "v")

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + timedelta(minutes=2)

    monkeypatch.setattr(alerts_module, "datetime", Later)
    assert alerts.send(EVENT, "v")
    assert len(inbox()) == 1


def test_a_topic_that_fails_does_not_hold_up_the_readings(
    provisioned, inbox, packed: PackedModel, recordings: list[Recording],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    provisioned.registry.publish(packed)

    def pipeline(topic: str) -> Pipeline:
        return Pipeline(
            provisioned.raw,
            provisioned.curated,
            CurrentModel(provisioned.registry),
            Alerts(provisioned.curated, topic),
        )

    topic = provisioned.settings.topic_arn
    for batch in cut(recordings[1], batch_seconds=10**6):
        provisioned.raw.put(batch.id.raw, encode(batch), "application/vnd.apache.parquet")
        with pytest.raises(ServiceUnavailable):
            pipeline(f"{topic}-not-there").process(RawObject(batch.id.raw))
        assert provisioned.curated.metadata(batch.id.scored), "the rows are scored all the same"
        monkeypatch.setattr(alerts_module, "_CLAIM_SECONDS", 0.0)
        found = provisioned.raw.look_up(batch.id.raw)
        announced = RawObject(batch.id.raw, found.size, found.etag)
        outcome = pipeline(topic).process(announced, redelivered=True)
        assert outcome.disposition is Disposition.ALREADY_SCORED
        assert outcome.alerts == len(inbox()) > 0
