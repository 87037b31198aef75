"""What an embedded AWS consists of, in a form that two of them can be compared in."""

import json
from typing import Any

from petrostream.local.resources import Clients
from petrostream.settings import Settings, variable

_OF_A_MOMENT = {"CreatedTimestamp", "LastModifiedTimestamp"}
_COUNTERS = "ApproximateNumberOfMessages"
_DOCUMENTS = {"Policy", "RedrivePolicy", "RedriveAllowPolicy"}
_OF_A_FUNCTION = (
    "FunctionName", "Timeout", "MemorySize", "PackageType", "Architectures", "Environment",
)  # fmt: skip
_OF_A_MAPPING = (
    "EventSourceArn", "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes",
    "ScalingConfig", "State",
)  # fmt: skip


def described(clients: Clients, settings: Settings) -> dict[str, Any]:
    """Buckets, queues, notification, pointer, topics, function and mappings."""
    return {
        "buckets": {
            bucket["Name"]: _bucket(clients, bucket["Name"])
            for bucket in clients.s3.list_buckets()["Buckets"]
        },
        "notification": _notification(clients, settings.raw_bucket),
        "queues": {
            url.rpartition("/")[2]: _queue(clients, url)
            for url in clients.sqs.list_queues()["QueueUrls"]
        },
        "pointer": clients.ssm.get_parameter(Name=settings.model_parameter)["Parameter"]["Value"],
        "topics": sorted(topic["TopicArn"] for topic in clients.sns.list_topics()["Topics"]),
        "function": _function(clients, settings.function_name),
        "mappings": [
            _only({"MaximumBatchingWindowInSeconds": 0, **mapping}, _OF_A_MAPPING)
            for mapping in sorted(
                clients.lambda_.list_event_source_mappings(FunctionName=settings.function_name)[
                    "EventSourceMappings"
                ],
                key=lambda mapping: str(mapping["EventSourceArn"]),
            )
        ],
    }


def _bucket(clients: Clients, name: str) -> dict[str, Any]:
    block = clients.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    return {
        "versioning": clients.s3.get_bucket_versioning(Bucket=name).get("Status"),
        "public access blocked": set(block.values()) == {True},
    }


def _notification(clients: Clients, bucket: str) -> list[dict[str, Any]]:
    found = clients.s3.get_bucket_notification_configuration(Bucket=bucket)
    configurations: list[Any] = found["QueueConfigurations"]
    for configuration in configurations:
        rules = configuration["Filter"]["Key"]["FilterRules"]
        configuration["Filter"] = {rule["Name"].lower(): rule["Value"] for rule in rules}
    return configurations


def _function(clients: Clients, name: str) -> dict[str, Any]:
    """A function, without the catalogue of SQL tables, which only Terraform makes."""
    found = _only(clients.lambda_.get_function_configuration(FunctionName=name), _OF_A_FUNCTION)
    found["Environment"]["Variables"].pop(variable("catalog"), None)
    return found


def _queue(clients: Clients, url: str) -> dict[str, Any]:
    attributes = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {
        name: json.loads(value) if name in _DOCUMENTS else value
        for name, value in attributes["Attributes"].items()
        if name not in _OF_A_MOMENT and not name.startswith(_COUNTERS)
    }


def _only(found: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found.get(name) for name in names}
