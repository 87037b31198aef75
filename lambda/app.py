"""The Lambda's handler: SQS messages with S3 events in, partial batch response out."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from petrostream.alarms.notify import Alerts
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.aws.partitions import Partitions
from petrostream.errors import PermanentError, TransientError
from petrostream.ingest.batches import read_table
from petrostream.ingest.isolation import IsolatedReader
from petrostream.ingest.notifications import RawObject, announced_objects
from petrostream.registry.models import CurrentModel, ModelRegistry
from petrostream.scoring.pipeline import Disposition, Outcome, Pipeline
from petrostream.scoring.reserve import seconds_to_keep
from petrostream.scoring.retries import Record, Retries
from petrostream.settings import Settings

LONGEST_LAG_SECONDS = 86_400
"""Older readings are a replay of the past; their lag would say nothing."""

logger = Logger(service="petrostream", level=os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
metrics = Metrics(namespace="PetroStream", service="scoring")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def build_pipeline(settings: Settings, read: Callable[[bytes], pa.Table]) -> Pipeline:
    """Wire the pipeline to AWS; called once for each execution environment."""
    s3 = clients.s3()
    curated = Bucket(settings.curated_bucket, s3)
    registry = ModelRegistry(Bucket(settings.models_bucket, s3), settings.model_parameter)
    return Pipeline(
        raw=Bucket(settings.raw_bucket, s3),
        curated=curated,
        model=CurrentModel(registry, on_problem=tell_model_problem),
        alerts=Alerts(curated, settings.topic_arn),
        partitions=Partitions(settings.catalog),
        read=read,
    )


def tell_model_problem(problem: str) -> None:
    """Say that the model in memory goes on, because the current one can't be had."""
    logger.error(problem)
    metrics.add_metric("ModelProblems", MetricUnit.Count, 1)


def choose_reader() -> Callable[[bytes], pa.Table]:
    """Read objects in a process of their own; where there can't be one, in this one, and say so."""
    reader = IsolatedReader()
    try:
        reader.start()
    except TransientError:
        logger.exception("objects are read in this process, and may take the function along")
        reader.close()
        return read_table
    return reader


settings = Settings.load(
    "raw_bucket",
    "curated_bucket",
    "models_bucket",
    "model_parameter",
    "topic_arn",
    "queue_url",
    "retries_queue_url",
)
pipeline = build_pipeline(settings, choose_reader())
retries = Retries(
    settings.queue_url, settings.retries_queue_url, settings.raw_bucket, tell=logger.error
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Score every raw object that the messages announce; name the messages to try again."""
    response: dict[str, Any] = {"batchItemFailures": []}
    if records := left_to_do(event.get("Records") or [], response):
        keep = seconds_to_keep(int(context.memory_limit_in_mb), seconds_left(context))
        answer = process_partial_response(
            event={"Records": records},
            record_handler=partial(process_message, keep=keep),
            processor=processor,
            context=context,
        )
        response["batchItemFailures"] += answer["batchItemFailures"]
    metrics.add_metric("Failed", MetricUnit.Count, len(response["batchItemFailures"]))
    return response


def left_to_do(records: list[Record], response: dict[str, Any]) -> list[Record]:
    """Send on what failed in company, to be tried alone; gives the messages to work on now."""
    if not records:
        logger.info("an event without records: nothing to do")
    division = retries.divide(records)
    if division.sent_on:
        logger.warning("tried alone from now on", message_ids=division.sent_on)
    response["batchItemFailures"] += [{"itemIdentifier": name} for name in division.kept]
    return division.now


def seconds_left(context: LambdaContext) -> float:
    """Seconds until the invocation is ended by force."""
    return context.get_remaining_time_in_millis() / 1000


def process_message(record: SQSRecord, lambda_context: LambdaContext, keep: float) -> None:
    """Process every object of one message; a failing one does not keep the others from it.

    With less than `keep` seconds left no object is begun; its message comes back later. Were the
    invocation ended by force, those that are done would come back, too. What is scored already of
    a message that comes back is recognised.
    """
    redelivered = retries.has_come_before(record.raw_event)
    failures: list[Exception] = []
    for raw in announced_by(record):
        try:
            check_time(seconds_left(lambda_context), keep)
            process_object(
                raw,
                redelivered=redelivered,
                has_time=lambda: seconds_left(lambda_context) >= keep,
            )
        except Exception as error:
            logger.warning("not scored", key=raw.key, reason=str(error), exc_info=True)
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} objects of the message failed", failures)


def check_time(left: float, keep: float) -> None:
    """Refuse to begin an object that the rest of the invocation may be too short for."""
    if left < keep:
        raise TransientError(f"{left:.0f} s are left of this invocation, {keep:.0f} s are kept")


def announced_by(record: SQSRecord) -> list[RawObject]:
    """Read which objects a message announces; one that can't be read ends in the DLQ."""
    try:
        return list(announced_objects(record.body, settings.raw_bucket, on_ignored=logger.warning))
    except PermanentError as error:
        logger.exception("not understood", message_id=record.message_id, reason=str(error))
        raise


def process_object(raw: RawObject, *, redelivered: bool, has_time: Callable[[], bool]) -> None:
    """Process one object and record what became of it."""
    began = time.perf_counter()
    outcome = pipeline.process(raw, redelivered=redelivered, has_time=has_time)
    record_metrics(outcome, milliseconds=(time.perf_counter() - began) * 1e3)
    log = logger.info if outcome.disposition is Disposition.SCORED else logger.warning
    log(outcome.disposition.value, key=raw.key, reason=outcome.reason, model=outcome.model_version)


def record_metrics(outcome: Outcome, milliseconds: float) -> None:
    """Add an outcome's figures to the invocation's EMF metrics."""
    metrics.add_metric("Milliseconds", MetricUnit.Milliseconds, milliseconds)
    if outcome.disposition is Disposition.QUARANTINED:
        metrics.add_metric("Quarantined", MetricUnit.Count, 1)
    if outcome.counts is None or outcome.last_reading is None:
        return
    metrics.add_metric("Rows", MetricUnit.Count, outcome.counts.rows)
    metrics.add_metric("Anomalies", MetricUnit.Count, outcome.counts.anomalies)
    metrics.add_metric("Unscorable", MetricUnit.Count, outcome.counts.unscorable)
    metrics.add_metric("Alerts", MetricUnit.Count, outcome.alerts)
    lag = time.time() - outcome.last_reading / 1e6
    if 0 <= lag <= LONGEST_LAG_SECONDS:
        metrics.add_metric("Lag", MetricUnit.Seconds, lag)
