"""The scoring function in this process, and what SQS does with messages that it names as failed."""

import importlib.util
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import quote

from petrostream.ingest.batches import read_table
from petrostream.local.execution import InvocationContext
from petrostream.local.resources import MAX_RECEIVE_COUNT
from petrostream.scoring.retries import Retries
from petrostream.settings import PROJECT_ROOT, Settings

SECONDS = 60.0


def load_handler() -> ModuleType:
    """Import the handler as a cold start does."""
    spec = importlib.util.spec_from_file_location("app", PROJECT_ROOT / "lambda" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class ExecutionEnvironment:
    """A handler that was just started: nothing is in its memory, and its clients are new."""

    module: ModuleType
    settings: Settings

    def __post_init__(self) -> None:
        settings = self.settings
        self.module.settings = settings
        self.module.pipeline = self.module.build_pipeline(settings, read_table)
        self.module.retries = Retries(
            settings.queue_url, settings.retries_queue_url, settings.raw_bucket
        )

    def invoke(self, event: dict[str, Any]) -> set[str]:
        """Hand an event to the handler; gives the messages that come back."""
        context = InvocationContext("9a3c1f0e", time.monotonic() + SECONDS)
        answer = self.module.handler(event, context)
        return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}


@dataclass
class Announced:
    """A message about one raw object, and how often it was received."""

    id: str
    body: str
    received: int = 0

    def record(self) -> dict[str, Any]:
        self.received += 1
        return {
            "messageId": self.id,
            "receiptHandle": self.id,
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.received)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:petrostream-ingest",
            "awsRegion": "us-east-1",
        }


@dataclass
class WaitingMessages:
    """Messages that wait: all that do are delivered together, and those that fail come again."""

    waiting: list[Announced]
    dead: list[Announced] = field(default_factory=list)

    @classmethod
    def about(cls, bucket: str, objects: Sequence[tuple[str, int, str]]) -> "WaitingMessages":
        """Messages about objects: key, size and ETag of each."""
        bodies = [
            {
                "Records": [
                    {
                        "eventSource": "aws:s3",
                        "eventName": "ObjectCreated:Put",
                        "s3": {
                            "bucket": {"name": bucket},
                            "object": {"key": quote(key), "size": size, "eTag": etag},
                        },
                    }
                ]
            }
            for key, size, etag in objects
        ]
        return cls([Announced(str(at), json.dumps(body)) for at, body in enumerate(bodies)])

    def event(self) -> dict[str, Any]:
        """What is handed to the handler next; those received too often have gone by then."""
        self.dead += [each for each in self.waiting if each.received >= MAX_RECEIVE_COUNT]
        self.waiting = [each for each in self.waiting if each.received < MAX_RECEIVE_COUNT]
        return {"Records": [message.record() for message in self.waiting]}

    def done(self, failed: set[str]) -> None:
        """Keep what failed."""
        self.waiting = [message for message in self.waiting if message.id in failed]
