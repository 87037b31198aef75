"""Alerts: one message per event, not one per row.

An event opens in exactly one batch, but a batch may be delivered more than once. So the message
is claimed first, with a conditional put, and marked as sent afterwards. While a claim is fresh,
another delivery of the batch is put off; a stale one was left by a Lambda that died in between,
and is taken over: better one alert twice than none.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from petrostream.alarms.events import Event
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import explained
from petrostream.documents import SMALL, read_json
from petrostream.errors import PermanentError, ServiceUnavailable
from petrostream.schema.keys import alert_key, second_of
from petrostream.schema.stored_forms import ALERT_CLAIM

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

_CLAIMED: Final = b'{"state":"claimed"}'
_SENT: Final = b'{"state":"sent"}'
"""They have format 1 by saying nothing of it: an older Lambda beside this one compares bytes."""

_JSON: Final = "application/json"
MOST_OF_A_BATCH: Final = 20
"""Each message takes three calls, and a batch of weeks may open thousands of events."""

_LONGEST_SUBJECT: Final = 100
_CLAIM_SECONDS: Final = 20.0
"""How long a claim is fresh; sending takes milliseconds, messages come again after minutes."""


class Alerts:
    """Sends events to an SNS topic, each once."""

    def __init__(self, bucket: Bucket, topic_arn: str, client: "SNSClient | None" = None) -> None:
        self._bucket = bucket
        self._topic_arn = topic_arn
        self._sns = client or clients.sns()

    def send_all(self, events: Sequence[Event], model_version: str) -> int:
        """Publish the first events that open in a batch; gives how many messages went out.

        Of more than `MOST_OF_A_BATCH`, the last message says how many have none of their own.

        Raises
        ------
        ServiceUnavailable, PermanentError
            As `send` does.
        """
        told = events[:MOST_OF_A_BATCH]
        untold = [0] * (len(told) - 1) + [len(events) - len(told)]
        return sum(
            self.send(event, model_version, further)
            for event, further in zip(told, untold, strict=False)
        )

    def send(self, event: Event, model_version: str, further: int = 0) -> bool:
        """Publish an event that opens; tell whether a message went out.

        `further` events open in the same batch and have no message of their own.

        Raises
        ------
        ServiceUnavailable
            If another delivery of the batch is about to send it, or AWS fails.
        PermanentError
            If a later version of PetroStream has claimed it in another form.
        """
        key = alert_key(event.well, event.recording, second_of(event.start))
        if not self._bucket.put_if_absent(key, _CLAIMED, _JSON) and self._was_sent(key):
            return False
        with explained(f"publishing an alert to {self._topic_arn}"):
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=f"Anomaly on {event.well}"[:_LONGEST_SUBJECT],
                Message=_message(event, model_version, further),
            )
        self._bucket.put(key, _SENT, _JSON)
        return True

    def _was_sent(self, key: str) -> bool:
        claim = self._bucket.get(key, at_most=1024)
        if _state(claim.body, key) == "sent":
            return True
        age = (datetime.now(UTC) - claim.written).total_seconds()
        if age < _CLAIM_SECONDS:
            raise ServiceUnavailable(f"the alert {key} is being sent by another delivery")
        return False


def _state(claim: bytes, key: str) -> str:
    """What a claim says; one that is none is as good as a claim that was left behind."""
    try:
        document = read_json(claim, "the alert claim", bounds=SMALL).plain
    except PermanentError:
        return ""
    if not isinstance(document, dict):
        return ""
    ALERT_CLAIM.check(document, key)
    return str(document.get("state"))


def _message(event: Event, model_version: str, further: int) -> str:
    untold = {"further_events": further} if further else {}
    return json.dumps(
        {
            "well": event.well,
            "recording": event.recording,
            "start": f"{second_of(event.start).isoformat()}Z",
            "sensors": list(event.drivers),
            "shares": {name: round(event.shares[name], 2) for name in event.drivers},
            "limits": sorted(event.limits),
            "peak_score": round(event.peak_score, 3),
            "model_version": model_version,
            **untold,
        },
        sort_keys=True,
    )
