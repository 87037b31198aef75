"""The function and its event source mappings, as the Lambda API describes them.

Whoever provisioned them: the worker runs what it reads here.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import boto3

from petrostream.aws.clients import explained, refuse_cut_answers
from petrostream.errors import ServiceUnavailable
from petrostream.local.endpoint import ACCOUNT, NAME, REGION

FUNCTION: Final = f"{NAME}-scoring"
FUNCTION_TIMEOUT_SECONDS: Final = 60
FUNCTION_MEMORY_MB: Final = 1024


_OF_EVERY_MAPPING: Final = ("UUID", "EventSourceArn", "BatchSize", "State")


def lambda_client() -> Any:
    """A client for Lambda."""
    client = boto3.client("lambda")
    refuse_cut_answers(client)
    return client


@dataclass(frozen=True, slots=True)
class Function:
    """How the handler is run."""

    name: str = FUNCTION
    arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
    version: str = "$LATEST"
    timeout_seconds: float = FUNCTION_TIMEOUT_SECONDS
    memory_mb: int = FUNCTION_MEMORY_MB
    log_group: str = f"/aws/lambda/{FUNCTION}"
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, lambda_: Any, name: str) -> "Function":
        """Ask Lambda for a function's configuration.

        Raises
        ------
        ServiceUnavailable
            If there is no such function, or Lambda can't be asked.
        """
        with explained(f"asking for the function {name}"):
            found = lambda_.get_function_configuration(FunctionName=name)
        return cls(
            name=found["FunctionName"],
            arn=found["FunctionArn"],
            version=found["Version"],
            timeout_seconds=found["Timeout"],
            memory_mb=found["MemorySize"],
            log_group=found.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}"),
            variables=found.get("Environment", {}).get("Variables", {}),
        )


@dataclass(frozen=True, slots=True)
class EventSource:
    """How messages reach the function."""

    uuid: str
    queue_arn: str
    batch_size: int
    batching_window_seconds: int
    reports_failed_items: bool
    maximum_concurrency: int | None
    enabled: bool

    @classmethod
    def read_all(cls, lambda_: Any, function: Function) -> "list[EventSource]":
        """Ask Lambda for the mappings that feed a function, in the order of their queues' names.

        Raises
        ------
        ServiceUnavailable
            If there is none, or Lambda can't be asked.
        """
        with explained(f"asking what feeds the function {function.name}"):
            found = lambda_.list_event_source_mappings()["EventSourceMappings"]
        ours = [cls.parse(mapping) for mapping in found if mapping["FunctionArn"] == function.arn]
        if not ours:
            raise ServiceUnavailable(
                f"the function {function.name} has no event source mapping that the worker could "
                "serve: was it provisioned?"
            )
        return sorted(ours, key=lambda source: source.queue_arn)

    @classmethod
    def parse(cls, mapping: dict[str, Any]) -> "EventSource":
        """Understand a mapping as the Lambda API gives it.

        Raises
        ------
        ServiceUnavailable
            If the answer lacks what every mapping has.
        """
        missing = [name for name in _OF_EVERY_MAPPING if name not in mapping]
        if missing:
            raise ServiceUnavailable(
                f"Lambda's answer about an event source mapping lacks {', '.join(missing)}"
            )
        return cls(
            uuid=mapping["UUID"],
            queue_arn=mapping["EventSourceArn"],
            batch_size=mapping["BatchSize"],
            batching_window_seconds=mapping.get("MaximumBatchingWindowInSeconds", 0),
            reports_failed_items="ReportBatchItemFailures"
            in mapping.get("FunctionResponseTypes", []),
            maximum_concurrency=mapping.get("ScalingConfig", {}).get("MaximumConcurrency"),
            enabled=mapping["State"] not in {"Disabled", "Disabling"},
        )
