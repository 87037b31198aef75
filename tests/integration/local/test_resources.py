"""The quick provisioning: what it makes is what Terraform makes, as far as it goes."""

import json
import time

import pytest

from petrostream.aws.buckets import Bucket
from petrostream.local import resources
from petrostream.local.resources import (
    BUCKETS,
    DEAD_LETTER_QUEUE,
    FUNCTION,
    QUEUE,
    RETRIES_QUEUE,
)

A_WHILE_SECONDS = 2.0


def attributes(provisioned, queue: str) -> dict[str, str]:
    sqs = provisioned.clients.sqs
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_it_is_quick(provisioned) -> None:
    clients = provisioned.clients
    clients.lambda_.delete_function(FunctionName=FUNCTION)
    clients.iam.delete_role(RoleName=FUNCTION)
    for queue in (QUEUE, RETRIES_QUEUE, DEAD_LETTER_QUEUE):
        clients.sqs.delete_queue(QueueUrl=clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"])
    clients.ssm.delete_parameter(Name=provisioned.settings.model_parameter)
    for bucket in BUCKETS.values():
        clients.s3.delete_bucket(Bucket=bucket)
    began = time.monotonic()
    assert resources.provision(clients) == provisioned.settings
    assert time.monotonic() - began < A_WHILE_SECONDS


def test_what_people_can_lose_is_versioned_and_nothing_is_public(provisioned) -> None:
    s3 = provisioned.clients.s3
    versioned = {
        kind
        for kind, name in BUCKETS.items()
        if s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled"
    }
    assert versioned == {"raw", "curated", "models"}
    for name in BUCKETS.values():
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert len(block) == 4 and all(block.values())


def test_dead_letters_come_from_the_two_queues_alone(provisioned) -> None:
    queue, dead = attributes(provisioned, QUEUE), attributes(provisioned, DEAD_LETTER_QUEUE)
    retries = attributes(provisioned, RETRIES_QUEUE)
    for each in (queue, retries):
        assert each["VisibilityTimeout"] == "360"
        assert json.loads(each["RedrivePolicy"]) == {
            "deadLetterTargetArn": dead["QueueArn"],
            "maxReceiveCount": 5,
        }
    assert json.loads(dead["RedriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [queue["QueueArn"], retries["QueueArn"]],
    }
    assert {each["Effect"] for each in json.loads(retries["Policy"])["Statement"]} == {"Deny"}
    announces, tls_only = json.loads(queue["Policy"])["Statement"]
    assert announces["Condition"]["ArnEquals"] == {
        "aws:SourceArn": f"arn:aws:s3:::{BUCKETS['raw']}"
    }
    assert tls_only["Effect"] == "Deny"


def test_the_function_and_what_feeds_it(provisioned) -> None:
    lambda_, settings = provisioned.clients.lambda_, provisioned.settings
    function = lambda_.get_function_configuration(FunctionName=settings.function_name)
    assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])
    assert function["Environment"]["Variables"] == {
        "PETROSTREAM_RAW_BUCKET": settings.raw_bucket,
        "PETROSTREAM_CURATED_BUCKET": settings.curated_bucket,
        "PETROSTREAM_MODELS_BUCKET": settings.models_bucket,
        "PETROSTREAM_MODEL_PARAMETER": settings.model_parameter,
        "PETROSTREAM_TOPIC_ARN": settings.topic_arn,
        "PETROSTREAM_QUEUE_URL": settings.queue_url,
        "PETROSTREAM_RETRIES_QUEUE_URL": settings.retries_queue_url,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    found = lambda_.list_event_source_mappings()["EventSourceMappings"]
    mappings = {mapping["EventSourceArn"]: mapping for mapping in found}
    for mapping in mappings.values():
        assert mapping["FunctionArn"] == function["FunctionArn"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    mapping = mappings.pop(attributes(provisioned, QUEUE)["QueueArn"])
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (10, {"MaximumConcurrency": 8})
    alone = mappings.pop(attributes(provisioned, RETRIES_QUEUE)["QueueArn"])
    assert (alone["BatchSize"], alone["ScalingConfig"]) == (1, {"MaximumConcurrency": 2})
    assert not mappings


def test_outputs_name_what_was_made(provisioned) -> None:
    found = resources.outputs(provisioned.clients, provisioned.settings)
    topics = {topic["TopicArn"] for topic in provisioned.clients.sns.list_topics()["Topics"]}
    assert topics == {found["topic_arn"], found["platform_topic_arn"]}
    assert found["buckets"]["results"] == found["results_bucket"]
    for name, queue in (("mapping_uuid", QUEUE), ("retries_mapping_uuid", RETRIES_QUEUE)):
        mapping = provisioned.clients.lambda_.get_event_source_mapping(UUID=found[name])
        assert mapping["EventSourceArn"].endswith(f":{queue}")


@pytest.mark.parametrize("kind", ["raw", "curated", "models"])
def test_what_was_deleted_can_be_made_again_and_is_listed_once(provisioned, kind: str) -> None:
    bucket = Bucket(BUCKETS[kind], provisioned.clients.s3)
    for _ in range(2):
        bucket.put("some/key", b"body", "text/plain")
        bucket.put("some/key", b"body", "text/plain")
        assert list(bucket.keys("some/")) == ["some/key"]
        provisioned.clients.s3.delete_object(Bucket=BUCKETS[kind], Key="some/key")
        assert list(bucket.keys("some/")) == []
