"""One message an event, whatever happens in between."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from petrostream import alerts as alerts_module
from petrostream.alerts import Alerts
from petrostream.errors import ServiceUnavailable
from petrostream.events import Event

EVENT = Event(
    "WELL-00001", "WELL-00001_1", 10**15, 10**15 + 10**7, 10**15, 1.7, 11, {"P-TPT": 9, "QGL": 2}
)


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
            "peak_score": 1.7,
            "model_version": "v1",
        }
    ]


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
