"""An AWS in this process, with a model and raw objects, and everything that can be seen of it."""

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.glue.models import glue_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.local.endpoint import REGION
from petrostream.local.worker import sqs_event
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import NO_MODEL, ModelRegistry
from petrostream.schema.keys import READINGS
from petrostream.settings import Settings
from tests.support.calls import Calls, forget_everything
from tests.support.catalog import DATABASE, make_tables, partitions
from tests.support.function import ExecutionEnvironment, WaitingMessages

PARQUET = "application/vnd.apache.parquet"
QUEUES = {"queue_url": "petrostream-ingest", "retries_queue_url": "petrostream-ingest-retries"}
RETRIES_ARN = f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:{QUEUES['retries_queue_url']}"
BUCKETS = ("raw", "curated", "models")
PARAMETER = "/petrostream/model"
BAD = "readings/well=BAD/date=2024-01-01/BAD-20240101T000000.parquet"
HUGE = "readings/well=BAD/date=2024-01-01/HUGE-20240101T000000.parquet"
"""Its message says that it is larger than what is read."""
GONE = "readings/well=BAD/date=2024-01-01/GONE-20240101T000000.parquet"


def make_queue(name: str) -> str:
    """Make a queue; gives its URL."""
    url: str = clients.sqs().create_queue(QueueName=name)["QueueUrl"]
    return url


@dataclass
class Here:
    """An AWS in this process."""

    calls: Calls
    handler: ModuleType
    packed: PackedModel
    raw_objects: dict[str, bytes]
    settings: Settings = field(default_factory=Settings)
    clients: dict[str, Any] = field(default_factory=dict)

    def begin(self, *, with_model: bool = True, with_raw: bool = True) -> None:
        """Forget everything, and make what the first call of a test finds."""
        self.calls.plan = None
        forget_everything()
        self.clients = {"s3": clients.s3(), "ssm": clients.ssm(), "sns": clients.sns()}
        for bucket in BUCKETS:
            self.clients["s3"].create_bucket(Bucket=bucket)
        self.clients["ssm"].put_parameter(Name=PARAMETER, Value=NO_MODEL, Type="String")
        topic = self.clients["sns"].create_topic(Name="alarms")["TopicArn"]
        self.clients["glue"] = make_tables("curated")
        self.settings = Settings(
            raw_bucket="raw",
            curated_bucket="curated",
            models_bucket="models",
            model_parameter=PARAMETER,
            topic_arn=topic,
            catalog=DATABASE,
            **{setting: make_queue(name) for setting, name in QUEUES.items()},
        )
        if with_model:
            ModelRegistry(self.bucket("models"), PARAMETER, self.clients["ssm"]).publish(
                self.packed
            )
        if with_raw:
            for key, body in self.raw_objects.items():
                self.bucket("raw").put(key, body, PARQUET)
        self.calls.made.clear()

    def as_if_nothing_was_scored(self) -> None:
        """Forget what scoring makes; quicker than to begin anew."""
        self.calls.plan = None
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["curated"].keys.clear()
        for table in glue_backends[DEFAULT_ACCOUNT_ID][REGION].databases[DATABASE].tables.values():
            table.partitions.clear()
        self._topic().sent_notifications.clear()

    def bucket(self, name: str) -> Bucket:
        return Bucket(name, self.clients["s3"])

    def try_alone(self, function: ExecutionEnvironment) -> None:
        """Hand over what was sent on to be tried alone, message by message."""
        queue = {"QueueUrl": self.settings.retries_queue_url}
        while True:
            with self.calls.unplanned():
                found = clients.sqs().receive_message(**queue).get("Messages", [])
            if not found:
                return
            assert not function.invoke(sqs_event(found, RETRIES_ARN))
            with self.calls.unplanned():
                clients.sqs().delete_message(**queue, ReceiptHandle=found[0]["ReceiptHandle"])

    def environment(self) -> ExecutionEnvironment:
        return ExecutionEnvironment(self.handler, self.settings)

    def messages(self) -> WaitingMessages:
        """One message for each raw object, and one about an object that has gone."""
        with self.calls.unplanned():
            listed = [
                (one.key, 2**30 if one.key == HUGE else one.size, one.etag)
                for one in self.bucket("raw").list(READINGS)
            ]
        return WaitingMessages.about("raw", [*listed, (GONE, 1, "0" * 32)])

    def state(self) -> dict[str, Any]:
        """Every object with what is said of it, the pointer and the partitions."""
        state: dict[str, Any] = {}
        for name in BUCKETS:
            kept = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[name].keys
            for key, stored in kept.items():
                state[f"{name} {key}"] = (stored.value, dict(stored.metadata))
        with self.calls.unplanned():
            pointer = self.clients["ssm"].get_parameter(Name=PARAMETER)
            state["pointer"] = pointer["Parameter"]["Value"]
            for table in ("scored", "events"):
                state[f"sql {table}"] = partitions(self.clients["glue"], table)
        return state

    def alerts(self) -> list[str]:
        """The messages that went out."""
        return [message[1] for message in self._topic().sent_notifications]

    def _topic(self) -> Any:
        return sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.settings.topic_arn]
